"""What becomes of a clone that updates add to, and of a fetch that takes several calls of git."""

import os
from pathlib import Path

import pytest
from tests.support.git_server import GitServer, commit_files, make_repository

from riverrun.code_provider import git_sandbox
from riverrun.code_provider.errors import RepositoryFailed, RepositoryTooLarge
from riverrun.code_provider.git_process import Limits, size_of
from riverrun.code_provider.git_sandbox import GitSandbox

MAX_BYTES = 1_000_000


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return tmp_path / "clones" / "one.git"


@pytest.fixture
def sandbox(clone: Path, server: GitServer) -> GitSandbox:
    return GitSandbox(clone, allowed_hosts={server.host})


def limits(*, seconds: float = 60, max_bytes: int = MAX_BYTES) -> Limits:
    return Limits(seconds, max_bytes, lambda: False)


def fetch(sandbox: GitSandbox, url: str, revision: str = "", **given: float) -> str:
    return sandbox.fetch(url, revision, limits(**given), lambda done, total: None)  # type: ignore[arg-type]


def content_of(sandbox: GitSandbox, path: str) -> bytes:
    with sandbox.open_blobs() as blobs:
        return next(blobs.read(entry.blob) for entry in sandbox.entries(limits()) if entry.path == path)


def packs_of(clone: Path) -> set[str]:
    return {pack.name for pack in clone.glob("objects/pack/*.pack")}


def downloads(server: GitServer) -> int:
    return sum("info/refs" in request for request in server.requests)


def test_a_repository_that_changes_stays_up_to_date_although_all_its_commits_are_over_the_limit(
    server: GitServer, sandbox: GitSandbox, clone: Path
) -> None:
    make_repository(server.root / "one", {"a.bin": os.urandom(300_000)})
    for _ in range(8):
        content = os.urandom(300_000)
        newest = commit_files(server.root / "one", {"a.bin": content})
        assert fetch(sandbox, f"{server.url}/one") == newest
        assert content_of(sandbox, "a.bin") == content
        assert size_of(clone) <= MAX_BYTES


def test_a_clone_over_a_limit_that_was_lowered_is_made_anew(
    server: GitServer, sandbox: GitSandbox, clone: Path
) -> None:
    make_repository(server.root / "one", {"a.bin": os.urandom(300_000)})
    fetch(sandbox, f"{server.url}/one")
    newest = commit_files(server.root / "one", {"a.bin": os.urandom(300_000)})
    fetch(sandbox, f"{server.url}/one")
    assert fetch(sandbox, f"{server.url}/one", max_bytes=400_000) == newest
    assert size_of(clone) <= 400_000


def test_a_repository_that_has_become_too_large_is_fetched_anew_once_and_given_up(
    server: GitServer, sandbox: GitSandbox, clone: Path
) -> None:
    make_repository(server.root / "one", {"a.bin": os.urandom(300_000)})
    fetch(sandbox, f"{server.url}/one")
    commit_files(server.root / "one", {f"{number}.bin": os.urandom(500_000) for number in range(4)})
    for expected_downloads in (3, 4):
        with pytest.raises(RepositoryTooLarge, match="larger than 1,000,000 bytes"):
            fetch(sandbox, f"{server.url}/one")
        assert downloads(server) == expected_downloads
        assert not clone.exists()


def test_a_clone_that_is_over_the_limit_by_its_last_byte_is_not_kept(
    server: GitServer, sandbox: GitSandbox, clone: Path
) -> None:
    make_repository(server.root / "one", {"a.bin": os.urandom(300_000)})
    fetch(sandbox, f"{server.url}/one")
    whole = size_of(clone)
    with pytest.raises(RepositoryTooLarge):
        fetch(sandbox, f"{server.url}/one", max_bytes=whole - 1)
    assert fetch(
        sandbox, f"{server.url}/one", max_bytes=whole + 1_000
    )  # git's locks count while they are there


def test_a_clone_in_too_many_packs_is_made_anew(
    server: GitServer, sandbox: GitSandbox, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_sandbox, "MAX_PACKS", 2)
    make_repository(server.root / "one", {"a.py": "first\n", "same.py": "same\n"})
    counts = []
    for number in range(7):
        newest = commit_files(server.root / "one", {"a.py": f"{number}\n"})
        assert fetch(sandbox, f"{server.url}/one") == newest
        assert content_of(sandbox, "a.py") == f"{number}\n".encode()
        assert content_of(sandbox, "same.py") == b"same\n"
        counts.append(len(packs_of(clone)))
    assert counts == [1, 2, 3, 1, 2, 3, 1]


def test_who_reads_a_clone_while_it_is_made_anew_still_gets_what_is_in_both(
    server: GitServer, sandbox: GitSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_repository(server.root / "one", {"a.py": "1\n", "same.py": "same\n"})
    fetch(sandbox, f"{server.url}/one")
    old = {entry.path: entry.blob for entry in sandbox.entries(limits())}
    commit_files(server.root / "one", {"a.py": "2\n"})
    monkeypatch.setattr(git_sandbox, "MAX_PACKS", 0)
    with sandbox.open_blobs() as blobs:
        with pytest.raises(OSError, match="does not have its content"):
            blobs.read("0" * 40)  # So git has begun before the clone goes.
        fetch(sandbox, f"{server.url}/one")
        assert blobs.read(old["same.py"]) == b"same\n"
        with pytest.raises(OSError, match="does not have its content"):
            blobs.read(old["a.py"])
        assert blobs.read(old["same.py"]) == b"same\n"


def test_an_update_without_news_leaves_the_clone_as_it_is(
    server: GitServer, sandbox: GitSandbox, clone: Path
) -> None:
    make_repository(server.root / "one", {"a.py": "1\n"})
    fetch(sandbox, f"{server.url}/one")
    before = packs_of(clone)
    fetch(sandbox, f"{server.url}/one")
    assert packs_of(clone) == before


def test_a_clone_is_kept_when_its_server_fails(server: GitServer, sandbox: GitSandbox, clone: Path) -> None:
    make_repository(server.root / "one", {"a.py": "1\n"})
    fetch(sandbox, f"{server.url}/one")
    before = packs_of(clone)
    with pytest.raises(RepositoryFailed, match="has no such repository"):
        fetch(sandbox, f"{server.url}/gone")
    assert packs_of(clone) == before


def test_all_calls_of_git_together_have_the_time_of_one_clone(server: GitServer, sandbox: GitSandbox) -> None:
    """Each is done in much less: one asks for the commit's id, and four for more and more history; 13 slow answers."""
    make_repository(server.root / "one", {"a.py": "1\n"})
    with pytest.raises(RepositoryFailed, match="took longer than 2 seconds"):
        fetch(sandbox, f"{server.url}/slow/old/one", "0123456789" * 4, seconds=2)


def test_a_clone_that_is_made_anew_has_the_time_of_one(server: GitServer, sandbox: GitSandbox) -> None:
    make_repository(server.root / "one", {"a.bin": os.urandom(300_000)})
    fetch(sandbox, f"{server.url}/one")
    deadlines: set[float] = set()

    class WatchedLimits(Limits):
        def enforce(self, deadline: float, directory: Path | None = None) -> None:
            deadlines.add(deadline)
            super().enforce(deadline, directory)

    with pytest.raises(RepositoryTooLarge):
        sandbox.fetch(
            f"{server.url}/one", "", WatchedLimits(60, 200_000, lambda: False), lambda done, total: None
        )
    assert downloads(server) >= 2
    assert len(deadlines) == 1
