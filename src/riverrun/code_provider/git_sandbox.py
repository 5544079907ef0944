"""Clones of foreign repositories: fetched shallow and bare, read by object, never checked out.

Nothing of the repository is ever executed or written to a path that it names: there is no work tree, so no hooks,
filters, submodules or symbolic links.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from riverrun.code_provider.errors import RepositoryFailed
from riverrun.code_provider.git_messages import explanation, is_broken, is_missing
from riverrun.code_provider.git_process import (
    Limits,
    end_group,
    git_command,
    read_git,
    run_git,
    start_git,
    watch_git,
)
from riverrun.code_provider.host_check import CheckedHost, check_host

HEAD = "refs/riverrun/head"
"""Where the fetched commit is kept, whatever its branch is called."""
MAX_TREE_ENTRIES = 500_000
MAX_LISTING_BYTES = 200_000_000
REGULAR_FILE_MODES = frozenset({"100644", "100664", "100755"})
_BRANCH = re.compile(r"(?!-)(?!.*(?:\.\.|//|@\{|\.lock(?:/|$)))[^\s~^:?*\[\\\x00-\x20\x7f]{1,200}(?<![./])")
_PROXIES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """A regular file of a commit."""

    path: str
    blob: str
    size: int


class GitSandbox:
    """One bare clone under a directory of ours."""

    def __init__(self, directory: Path, *, allowed_hosts: Collection[str] = ()) -> None:
        self._directory = directory
        self._allowed_hosts = allowed_hosts

    def fetch(self, url: str, branch: str, limits: Limits, progress: Callable[[int, int], None]) -> str:
        """Bring the clone to the remote branch's (empty: default branch's) newest commit, depth 1; returns its id.

        What is there already is not sent again. A clone that turns out broken is made anew.
        Raises ``RepositoryFailed`` and ``RepositoryStopped``.
        """
        if branch and not _BRANCH.fullmatch(branch):
            raise RepositoryFailed(f"{branch[:200]!r} is no name of a branch.")
        host = check_host(url, allowed_hosts=self._allowed_hosts, through_proxy=_has_proxy(url))
        is_new = self._prepare()
        try:
            self._fetch(url, branch, host, limits, progress)
        except _CloneBroken:
            if is_new:
                raise RepositoryFailed("git cannot write the clone. Is the server's disk full?") from None
            shutil.rmtree(self._directory)
            return self.fetch(url, branch, limits, progress)
        except BaseException:
            if is_new:
                shutil.rmtree(self._directory, ignore_errors=True)
            raise
        return run_git(git_command(self._directory, ["rev-parse", "--verify", f"{HEAD}^{{commit}}"]))

    def entries(self, limits: Limits) -> Iterator[TreeEntry]:
        """The regular files of the fetched commit, symbolic links and submodules left out, names as git has them.

        Raises ``RepositoryFailed``, also for a tree that never ends (in a few bytes one can name itself a billion
        times), and ``RepositoryStopped``.
        """
        command = git_command(self._directory, ["ls-tree", "-r", "-l", "-z", "--full-tree", HEAD])
        for count, line in enumerate(read_git(command, b"\0", MAX_LISTING_BYTES, limits)):
            if count >= MAX_TREE_ENTRIES:
                raise RepositoryFailed(f"The repository has more than {MAX_TREE_ENTRIES:,} files.")
            meta, _, path = line.partition(b"\t")
            mode, _, blob, size = meta.decode("ascii").split()
            if mode in REGULAR_FILE_MODES:
                yield TreeEntry(os.fsdecode(path), blob, int(size))

    def open_blobs(self) -> "BlobReader":
        """A reader of file contents; close it."""
        return BlobReader(self._directory)

    def _prepare(self) -> bool:
        """Make the clone's directory or clear what a killed git left in it; says whether it is new."""
        if (self._directory / "HEAD").is_file():
            for left in (*self._directory.glob("*.lock"), *self._directory.glob("objects/pack/tmp_*")):
                left.unlink(missing_ok=True)
            return False
        shutil.rmtree(self._directory, ignore_errors=True)
        try:
            self._directory.mkdir(parents=True, mode=0o700)
        except OSError as error:
            raise RepositoryFailed(f"The clone cannot be stored: {error.strerror}.") from None
        run_git(git_command(self._directory, ["init", "--quiet", "--bare", "--template="]))
        return True

    def _fetch(
        self, url: str, branch: str, host: CheckedHost, limits: Limits, progress: Callable[[int, int], None]
    ) -> None:
        remote = f"refs/heads/{branch}" if branch else "HEAD"
        arguments = [
            "fetch",
            "--depth=1",
            "--no-tags",
            "--no-write-fetch-head",
            "--force",
            "--progress",
            "--",
        ]
        settings = {f"protocol.{urlsplit(url).scheme}.allow": "always"}
        if host.address:
            settings["http.curloptResolve"] = f"{host.host}:{host.port}:{_bracketed(host.address)}"
        said = ""
        for address in (url, f"{url}.git"):  # Some servers know a repository by one of the two names only.
            command = git_command(self._directory, [*arguments, address, f"{remote}:{HEAD}"], settings)
            code, said = watch_git(command, self._directory, limits, progress)
            if code == 0:
                return
            if not is_missing(said):
                break
        raise _CloneBroken if is_broken(said) else RepositoryFailed(explanation(said, host.host, branch))


class BlobReader:
    """File contents out of a clone, one after the other, by one git process."""

    def __init__(self, repository: Path) -> None:
        self._process = start_git(
            git_command(repository, ["cat-file", "--batch"]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        with suppress(OSError):
            self._process.stdin.close()
        end_group(self._process)
        self._process.stdout.close()

    def read(self, blob: str) -> bytes:
        """The content of a blob. Raises ``OSError`` when the clone does not have it."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{blob}\n".encode("ascii"))
        self._process.stdin.flush()
        _, _, size = self._process.stdout.readline().decode("ascii", "replace").rstrip("\n").rpartition(" ")
        if not size.isdigit():
            raise OSError(f"the clone does not have its content ({size or 'git ended'})")
        content = self._process.stdout.read(int(size) + 1)
        return content[:-1]


class _CloneBroken(Exception):
    """The clone on our disk is damaged."""


def _has_proxy(url: str) -> bool:
    return urlsplit(url).scheme == "https" and any(os.environ.get(name) for name in _PROXIES)


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
