"""Hosts, branches and clones that are not, when git comes, what they were when they were looked at."""

import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.git_server import GitServer, git, make_repository, rewrite

from riverrun.code_provider import git_sandbox, git_version
from riverrun.code_provider.errors import RepositoryFailed
from riverrun.code_provider.git_process import Limits
from riverrun.code_provider.git_sandbox import GitSandbox
from riverrun.code_provider.host_check import check_host

LIMITS = Limits(60, 1_000_000_000, lambda: False)
NOWHERE = "127.0.0.2"
"""An address of this machine at which nobody listens."""


@pytest.fixture
def sandbox(tmp_path: Path, server: GitServer) -> GitSandbox:
    return GitSandbox(tmp_path / "one.git", allowed_hosts={server.host, named(server)})


@pytest.fixture(autouse=True)
def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that knows ``git.test``: two addresses, of which the first is dead."""
    resolve = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *args: Any, **given: Any) -> list[tuple[Any, ...]]:
        if host != "git.test":
            return list(resolve(host, port, *args, **given))
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in (NOWHERE, "127.0.0.1")
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def named(server: GitServer) -> str:
    return server.host.replace("127.0.0.1", "git.test")


def fetch(sandbox: GitSandbox, url: str, revision: str = "") -> str:
    return sandbox.fetch(url, revision, LIMITS, lambda done, total: None)


def test_a_host_whose_first_address_is_dead_is_reached_at_the_next(
    server: GitServer, sandbox: GitSandbox
) -> None:
    commit = make_repository(server.root / "one", {"a.py": "1\n"})
    assert fetch(sandbox, f"http://{named(server)}/one") == commit


def test_a_git_that_would_look_the_name_up_again_is_not_let_near_it(
    server: GitServer, sandbox: GitSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = make_repository(server.root / "one", {"a.py": "1\n"})
    monkeypatch.setattr(git_version, "git_version", lambda: (2, 36))
    stranger = replace(
        check_host(f"http://{named(server)}/one", allowed_hosts={named(server)}), is_trusted=False
    )
    with monkeypatch.context() as patched:
        patched.setattr(git_sandbox, "check_host", lambda *_, **__: stranger)
        with pytest.raises(
            RepositoryFailed, match=r"git 2\.36 is too old.*install git 2\.37 or newer.*trust"
        ):
            fetch(sandbox, f"http://{named(server)}/one")
    assert server.requests == []
    assert fetch(sandbox, f"http://{named(server)}/one") == commit


def test_the_installed_git_says_its_version() -> None:
    assert git_version.git_version() >= git_version.OLDEST_GIT


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("git version 2.39.5", (2, 39)),
        ("git version 2.37.1 (Apple Git-137.1)", (2, 37)),
        ("git version 2.100.0.windows.1", (2, 100)),
        ("something else", None),
    ],
)
def test_versions_are_read(said: str, version: tuple[int, int] | None) -> None:
    assert git_version.version_in(said) == version


@pytest.mark.parametrize("branch", ["", "main"])
def test_a_branch_that_is_rewritten_while_it_is_read_is_read_again(
    server: GitServer, sandbox: GitSandbox, branch: str
) -> None:
    repository = server.root / "one"
    make_repository(repository, {"a.py": "1\n"})
    moves = iter([lambda: rewrite(repository)])
    server.before_post = lambda: next(moves, lambda: "")()
    assert fetch(sandbox, f"{server.url}/old/one", branch) == git(repository, "rev-parse", "HEAD")


@pytest.mark.parametrize("revision", ["", "0123456789" * 4])
def test_a_branch_that_is_rewritten_all_the_time_is_said_to_be(
    server: GitServer, sandbox: GitSandbox, revision: str
) -> None:
    repository = server.root / "one"
    make_repository(repository, {"a.py": "1\n"})
    server.before_post = lambda: rewrite(repository)
    with pytest.raises(RepositoryFailed, match=r"changed while it was read\. Index it again"):
        fetch(sandbox, f"{server.url}/old/one", revision)


def test_a_clone_that_lost_a_file_is_made_anew(
    server: GitServer, sandbox: GitSandbox, tmp_path: Path
) -> None:
    commit = make_repository(server.root / "one", {"a.py": "1\n", "b.py": "2\n"})
    fetch(sandbox, f"{server.url}/one")
    lose(tmp_path / "one.git", "refs/riverrun/head:a.py")
    assert fetch(sandbox, f"{server.url}/one") == commit
    assert git(tmp_path / "one.git", "cat-file", "blob", "refs/riverrun/head:a.py") == "1"


def lose(clone: Path, name: str) -> None:
    """Unpack a clone's one pack, and remove an object of it."""
    lost = git(clone, "rev-parse", name)
    (pack,) = (clone / "objects" / "pack").glob("*.pack")
    packed = pack.read_bytes()
    for file in pack.parent.iterdir():
        file.unlink()
    git(clone, "unpack-objects", "-q", stdin=packed)
    (clone / "objects" / lost[:2] / lost[2:]).unlink()


def test_a_repository_with_other_ids_is_said_to_be(server: GitServer, sandbox: GitSandbox) -> None:
    git(server.root, "init", "--quiet", "--object-format=sha256", "one")
    make_repository(server.root / "one", {"a.py": "1\n"})
    with pytest.raises(RepositoryFailed, match="as a folder only"):
        fetch(sandbox, f"{server.url}/one")
