"""Finding the files of a folder, as git would see them, without ever leaving it."""

import hashlib
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol, Self

from riverrun.parsing.ignore_rules import IgnoreRules
from riverrun.parsing.skip_rules import NO_SOURCE, VENDORED_DIRECTORIES

MAX_FILES = 500_000
FRESH_SECONDS = 1.0
"""A file changed this shortly ago may change again without a new time: clocks of file systems are coarse."""
_CACHE_TAG = "Signature: 8a477f597d28d172789f06886806bc55"
_DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class SourceEntry(NamedTuple):
    """A file that was found, or with a ``reason`` something that is not read (a directory's path ends in a slash).

    ``stamp`` changes whenever the file does, as far as can be told without reading it: git's name of the content,
    or a folder's times and sizes.
    """

    path: str
    size: int = 0
    stamp: str = ""
    reason: str | None = None


class SourceTree(Protocol):
    """Files at rest, wherever they come from."""

    @property
    def commit(self) -> str | None:
        """The commit that the files belong to, if any."""
        ...

    def entries(self) -> Iterator[SourceEntry]:
        """All files, each once, in a fixed order. Raises ``SourceUnreadable``."""
        ...

    def read(self, entry: SourceEntry) -> bytes:
        """A file's bytes. Raises ``OSError`` when it cannot be read (any more)."""
        ...


class SourceUnreadable(Exception):
    """The source as a whole cannot be indexed; the message tells a person why."""


def blob_of(content: bytes) -> str:
    """Git's name for these bytes."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


class FolderTree:
    """A folder of this machine. Its ``.gitignore`` files hold, those of its parents do not.

    No symbolic link is followed, neither while looking nor while reading, and nothing but regular files is opened. What lies
    in ``data_dir``, our own folder, stays out. Close it, or use it as a context manager. Raises ``SourceUnreadable``.
    """

    def __init__(
        self, root: Path, *, max_file_bytes: int, commit: str | None = None, data_dir: Path | None = None
    ) -> None:
        self.commit = commit
        self._max_file_bytes = max_file_bytes
        self._data_folder = _identity_of(data_dir) if data_dir else None
        if self._data_folder and self._data_folder in map(_identity_of, (root, *root.absolute().parents)):
            raise SourceUnreadable(f"{root} is in Riverrun's own data folder, with its passwords.")
        self._root = _open_root(root)
        self._directory: tuple[str, int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._leave_directory()
        os.close(self._root)

    def entries(self) -> Iterator[SourceEntry]:
        """Depth first, by name."""
        for count, entry in enumerate(self._walk()):
            if count >= MAX_FILES:
                raise SourceUnreadable(f"The folder has more than {MAX_FILES:,} files.")
            yield entry

    def read(self, entry: SourceEntry) -> bytes:
        """The file as it is now; of one that has grown over the limit, one byte more than that."""
        directory, _, name = entry.path.rpartition("/")
        descriptor = os.open(name, _FILE_FLAGS, dir_fd=self._enter_directory(directory))
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError("it is no regular file any more")
            return _read_up_to(descriptor, self._max_file_bytes + 1)
        finally:
            os.close(descriptor)

    def _walk(self) -> Iterator[SourceEntry]:
        fresh_since_ns = time.time_ns() - int(FRESH_SECONDS * 1e9)
        pending = [("", IgnoreRules())]
        while pending:
            directory, rules = pending.pop()
            try:
                children = self._list(directory.rstrip("/"))
            except OSError as error:
                yield SourceEntry(_printable(directory), reason=f"it cannot be read: {error.strerror}")
                continue
            names = {child.name for child in children}
            if directory and (reason := self._reason_to_stay_out(directory, names)):
                yield SourceEntry(_printable(directory), reason=reason)
                continue
            if ".gitignore" in names:
                rules = rules.with_file(directory, self._text_of(f"{directory}.gitignore"))
            subdirectories: list[tuple[str, IgnoreRules]] = []
            for child in children:
                path = directory + child.name
                if (
                    child.name in NO_SOURCE
                ):  # a file, too: a work tree's .git tells where the server keeps the repository
                    continue
                if not child.is_dir(follow_symlinks=False):
                    if not rules.ignores(path):
                        yield _file_entry(path, child, fresh_since_ns)
                elif not rules.ignores(path + "/"):
                    subdirectories.append((path + "/", rules))
            pending += reversed(subdirectories)

    def _list(self, directory: str) -> "list[os.DirEntry[str]]":
        with os.scandir(self._enter_directory(directory)) as found:
            return sorted(found, key=lambda child: child.name)

    def _reason_to_stay_out(self, directory: str, names: set[str]) -> str | None:
        if self._data_folder and self._data_folder == _identity_of(
            self._enter_directory(directory.rstrip("/"))
        ):
            return "Riverrun's own data folder"
        if directory.rstrip("/").rpartition("/")[2] in VENDORED_DIRECTORIES:
            return "a directory of dependencies"
        if "pyvenv.cfg" in names:
            return "a virtual environment"
        if "CACHEDIR.TAG" in names and self._text_of(f"{directory}CACHEDIR.TAG").startswith(_CACHE_TAG):
            return "a cache (it has a CACHEDIR.TAG)"
        return None

    def _text_of(self, path: str) -> str:
        try:
            return self.read(SourceEntry(path)).decode("utf-8", "replace")
        except OSError:
            return ""

    def _enter_directory(self, path: str) -> int:
        """A descriptor of a directory below the root, reached without a symbolic link; kept for its siblings."""
        if not path:
            return self._root
        if self._directory and self._directory[0] == path:
            return self._directory[1]
        descriptor = os.dup(self._root)
        for part in path.split("/"):
            try:
                following = os.open(part, _DIRECTORY_FLAGS, dir_fd=descriptor)
            finally:
                os.close(descriptor)
            descriptor = following
        self._leave_directory()
        self._directory = (path, descriptor)
        return descriptor

    def _leave_directory(self) -> None:
        if self._directory:
            os.close(self._directory[1])
            self._directory = None


def _identity_of(folder: Path | int) -> tuple[int, int] | None:
    """By what a folder is known whatever it is called; none when it is not there."""
    try:
        status = os.stat(folder)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _open_root(root: Path) -> int:
    try:
        return os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise SourceUnreadable(f"There is no folder {root}.") from None
    except NotADirectoryError:
        raise SourceUnreadable(f"{root} is not a folder.") from None
    except (OSError, ValueError) as error:
        raise SourceUnreadable(f"The folder {root} cannot be opened: {error}.") from None


def _file_entry(path: str, child: "os.DirEntry[str]", fresh_since_ns: int) -> SourceEntry:
    if not path.isprintable() and _printable(path) != path:
        return SourceEntry(_printable(path), reason="its name is no UTF-8")
    try:
        status = child.stat(follow_symlinks=False)
    except OSError as error:
        return SourceEntry(path, reason=f"it cannot be read: {error.strerror}")
    if stat.S_ISLNK(status.st_mode):
        return SourceEntry(path, reason="a symbolic link")
    if not stat.S_ISREG(status.st_mode):
        return SourceEntry(path, reason="no regular file")
    changed_ns = max(status.st_mtime_ns, status.st_ctime_ns)
    is_fresh = changed_ns > fresh_since_ns
    stamp = "" if is_fresh else f"{status.st_mtime_ns:x}.{status.st_ctime_ns:x}.{status.st_ino:x}"
    return SourceEntry(path, status.st_size, stamp)


def _printable(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _read_up_to(descriptor: int, limit: int) -> bytes:
    parts: list[bytes] = []
    while limit > 0 and (part := os.read(descriptor, min(limit, 1 << 20))):
        parts.append(part)
        limit -= len(part)
    return b"".join(parts)
