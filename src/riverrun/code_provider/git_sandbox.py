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

from riverrun.code_provider.errors import RepositoryFailed, RepositoryTooLarge
from riverrun.code_provider.git_messages import explanation, is_broken, is_missing, is_refused_by_id
from riverrun.code_provider.git_process import (
    Limits,
    end_group,
    git_command,
    has_object,
    read_git,
    run_git,
    start_git,
    watch_git,
)
from riverrun.code_provider.git_version import require_pinning
from riverrun.code_provider.host_check import CheckedHost, check_host

COMMIT_ID = re.compile(r"[0-9a-f]{40}")
DEPTHS = (100, 1_000, 10_000, 2_147_483_647)
"""How much history is asked for, in turn, when a commit is not given by its id; the last is git's word for all of it."""
DEEPENED = "refs/riverrun/deepened"
HEAD = "refs/riverrun/head"
"""Where the fetched commit is kept, whatever its branch is called."""
MAX_PACKS = 50
"""A clone of more is made anew: every update leaves a pack, most of it soon of no use, and objects are looked for in all.

It is git's own limit before it repacks (``gc.autoPackLimit``), and makes one update of fifty a full download.
"""
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

    def fetch(self, url: str, revision: str, limits: Limits, progress: Callable[[int, int], None]) -> str:
        """Bring the clone to a revision, depth 1; returns the commit's id.

        ``revision`` is a branch (its newest commit), empty (the default branch's), or a commit's full id. For a commit
        that the server does not give by its id the history is deepened until it is there.
        What is there already is not sent again. A clone that turns out broken, or has grown over the limit or in too
        many packs, is made anew, once and within the same time.
        Raises ``RepositoryFailed`` and ``RepositoryStopped``.
        """
        if revision and not _BRANCH.fullmatch(revision):
            raise RepositoryFailed(f"{revision[:200]!r} is no name of a branch.")
        deadline = limits.deadline()
        host = check_host(url, allowed_hosts=self._allowed_hosts, through_proxy=_has_proxy(url))
        if host.pin and not host.is_trusted:
            require_pinning(host.name)
        network = _Network(url, host, limits, deadline, progress)
        if not (self._can_grow() and self._update(revision, network)):
            self._make_anew(revision, network)
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

    def _can_grow(self) -> bool:
        """Whether there is a clone to which one more pack may be added."""
        packs = sum(1 for _ in self._directory.glob("objects/pack/*.pack"))
        return packs <= MAX_PACKS and (self._directory / "HEAD").is_file()

    def _update(self, revision: str, network: "_Network") -> bool:
        """Bring the clone that is there to a revision; false when only a new one can be brought to it."""
        self._remove_leftovers()
        try:
            self._fetch(revision, network)
        except (_CloneBroken, RepositoryTooLarge):
            return False
        return True

    def _make_anew(self, revision: str, network: "_Network") -> None:
        """Fetch into an empty directory; what fails leaves none."""
        shutil.rmtree(self._directory, ignore_errors=True)
        try:
            self._directory.mkdir(parents=True, mode=0o700)
        except OSError as error:
            raise RepositoryFailed(f"The clone cannot be stored: {error.strerror}.") from None
        try:
            run_git(git_command(self._directory, ["init", "--quiet", "--bare", "--template="]))
            self._fetch(revision, network)
        except BaseException:
            shutil.rmtree(self._directory, ignore_errors=True)
            raise

    def _remove_leftovers(self) -> None:
        """Remove what a killed git left: locks, and halves of packs."""
        for left in (*self._directory.rglob("*.lock"), *self._directory.glob("objects/pack/tmp_*")):
            left.unlink(missing_ok=True)

    def _fetch(self, revision: str, network: "_Network") -> None:
        if not COMMIT_ID.fullmatch(revision):
            branch = f"refs/heads/{revision}" if revision else "HEAD"
            self._fetch_refs(revision, [f"{branch}:{HEAD}"], 1, network)
        elif not self._fetch_by_id(revision, network):
            self._deepen_to(revision, network)

    def _fetch_by_id(self, commit: str, network: "_Network") -> bool:
        """False when the server gives what its branches point to, and no other commit."""
        complaint = self._ask_for([f"{commit}:{HEAD}"], 1, network)
        if complaint is None:
            return True
        if is_refused_by_id(complaint):
            return False
        raise _failure(complaint, network, commit)

    def _deepen_to(self, commit: str, network: "_Network") -> None:
        """Fetch more and more history of all branches until the commit is in it."""
        for depth in DEPTHS:
            self._fetch_refs(commit, [f"refs/heads/*:{DEEPENED}/*"], depth, network)
            if has_object(self._directory, f"{commit}^{{commit}}"):
                run_git(git_command(self._directory, ["update-ref", HEAD, commit]))
                return
        raise RepositoryFailed(f"The repository has no commit {commit}.")

    def _fetch_refs(self, revision: str, refs: list[str], depth: int, network: "_Network") -> None:
        """Fetch what branches point to, once more if they are moved between the server's list and its pack."""
        complaint = self._ask_for(refs, depth, network)
        if complaint is not None and is_refused_by_id(complaint):
            complaint = self._ask_for(refs, depth, network)
        if complaint is not None:
            raise _failure(complaint, network, revision)

    def _ask_for(self, refs: list[str], depth: int, network: "_Network") -> str | None:
        """Fetch, by both names that a server may know; what git said, none when all is well."""
        options = ["--no-tags", "--no-write-fetch-head", "--force", "--progress"]
        said = ""
        for address in (network.url, f"{network.url}.git"):  # Some servers know only one of the two names.
            arguments = ["fetch", f"--depth={depth}", *options, "--", address, *refs]
            command = git_command(self._directory, arguments, network.settings)
            code, said = watch_git(
                command, self._directory, network.limits, network.deadline, network.progress
            )
            if code == 0:
                return None
            if not is_missing(said):
                break
        return said


@dataclass(frozen=True, slots=True)
class _Network:
    """Where a fetch goes, and when it is ended."""

    url: str
    host: CheckedHost
    limits: Limits
    deadline: float
    progress: Callable[[int, int], None]

    @property
    def settings(self) -> dict[str, str]:
        """This URL's scheme and nothing else, and the addresses that were checked."""
        settings = {f"protocol.{urlsplit(self.url).scheme}.allow": "always"}
        if self.host.pin:
            settings["http.curloptResolve"] = self.host.pin
        return settings


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
        with suppress(OSError):
            self._process.stdin.close()
        end_group(self._process)

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


class _CloneBroken(RepositoryFailed):
    """The clone on our disk is damaged, or may be; the message is for when it is a new one."""


def _failure(said: str, network: _Network, revision: str) -> RepositoryFailed:
    """What to raise for what git said."""
    if is_broken(said):
        return _CloneBroken("git cannot write the clone. Is the server's disk full?")
    if is_refused_by_id(said):
        # A clone that lost a file of a commit has the same complaint for ever.
        return _CloneBroken("The repository changed while it was read. Index it again.")
    return RepositoryFailed(explanation(said, network.host.host, revision))


def _has_proxy(url: str) -> bool:
    return urlsplit(url).scheme == "https" and any(os.environ.get(name) for name in _PROXIES)
