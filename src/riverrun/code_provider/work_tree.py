"""The commit that a folder stands at, read from its ``.git`` by hand: no program looks at a stranger's configuration."""

import os
import re
import stat
from pathlib import Path

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_MAX_BYTES = 4_000_000
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


def head_commit(folder: Path) -> str | None:
    """HEAD of the git work tree whose root is ``folder``; none when it is none, has no commit, or is not understood.

    Files may differ from that commit: what a file is indexed as is told by its blob.
    """
    git = folder / ".git"
    try:
        if git.is_file():  # A linked work tree or a submodule.
            git = (folder / _read(git).removeprefix("gitdir:").strip()).resolve()
        head = _read(git / "HEAD")
        if _COMMIT.fullmatch(head):
            return head
        reference = head.removeprefix("ref:").strip()
        if not reference.startswith("refs/") or ".." in reference:
            return None
        common = (git / _read(git / "commondir")).resolve() if (git / "commondir").is_file() else git
        return _loose(common / reference) or _packed(common / "packed-refs", reference)
    except (OSError, ValueError):
        return None


def _read(path: Path) -> str:
    """A regular file's text. Raises ``OSError`` for anything else: a stranger's FIFO would never be through."""
    descriptor = os.open(path, _FLAGS)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path} is no regular file")
        return os.read(descriptor, _MAX_BYTES).decode("utf-8").strip()
    finally:
        os.close(descriptor)


def _loose(path: Path) -> str | None:
    if not path.is_file():
        return None
    commit = _read(path)
    return commit if _COMMIT.fullmatch(commit) else None


def _packed(path: Path, reference: str) -> str | None:
    if not path.is_file():
        return None
    for line in _read(path).splitlines():
        commit, _, name = line.partition(" ")
        if name == reference and _COMMIT.fullmatch(commit):
            return commit
    return None
