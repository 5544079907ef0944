"""Clones over a real git server, and what strangers may try with them."""

import os
import socket
import subprocess
import threading
from pathlib import Path

import pytest
from tests.support.git_server import GitServer, commit_files, git, make_repository

from riverrun.code_provider.errors import RepositoryFailed, RepositoryStopped
from riverrun.code_provider.git_process import Limits
from riverrun.code_provider.git_sandbox import GitSandbox, TreeEntry


@pytest.fixture
def sandbox(tmp_path: Path, server: GitServer) -> GitSandbox:
    return GitSandbox(tmp_path / "clones" / "one.git", allowed_hosts={server.host})


def limits(
    *, seconds: float = 60, max_bytes: int = 1_000_000_000, stop: threading.Event | None = None
) -> Limits:
    return Limits(seconds, max_bytes, stop.is_set if stop else lambda: False)


def fetch(sandbox: GitSandbox, url: str, branch: str = "", **given: object) -> str:
    return sandbox.fetch(url, branch, limits(**given), lambda done, total: None)  # type: ignore[arg-type]


def files_of(sandbox: GitSandbox) -> dict[str, bytes]:
    with sandbox.open_blobs() as blobs:
        return {entry.path: blobs.read(entry.blob) for entry in sandbox.entries(limits())}


def test_a_clone_has_the_newest_commit_alone_and_gives_its_files(
    server: GitServer, sandbox: GitSandbox, tmp_path: Path
) -> None:
    make_repository(server.root / "one", {"a.py": "first = 1\n"})
    newest = commit_files(server.root / "one", {"a.py": "second = 2\n", "deep/b.bin": b"\0\n\xff"})
    assert fetch(sandbox, f"{server.url}/one") == newest
    assert files_of(sandbox) == {"a.py": b"second = 2\n", "deep/b.bin": b"\0\n\xff"}
    clone = tmp_path / "clones" / "one.git"
    assert git(clone, "rev-list", "--count", "refs/riverrun/head") == "1"
    assert not (clone / "hooks").exists()


def test_progress_tells_of_every_object(server: GitServer, sandbox: GitSandbox) -> None:
    make_repository(server.root / "one", {f"{number}.txt": str(number) for number in range(50)})
    seen: list[tuple[int, int]] = []
    sandbox.fetch(f"{server.url}/one", "", limits(), lambda done, total: seen.append((done, total)))
    assert seen[-1] == (52, 52)


def test_a_second_fetch_sends_only_what_is_new(
    server: GitServer, sandbox: GitSandbox, tmp_path: Path
) -> None:
    make_repository(server.root / "one", {"large.bin": os.urandom(300_000), "a.py": "1\n"})
    fetch(sandbox, f"{server.url}/one")
    before = pack_bytes(tmp_path)
    newest = commit_files(server.root / "one", {"a.py": "2\n"})
    assert fetch(sandbox, f"{server.url}/one") == newest
    assert files_of(sandbox)["a.py"] == b"2\n"
    assert pack_bytes(tmp_path) - before < 10_000


def test_history_that_was_rewritten_is_followed(server: GitServer, sandbox: GitSandbox) -> None:
    make_repository(server.root / "one", {"a.py": "1\n"})
    fetch(sandbox, f"{server.url}/one")
    (server.root / "one" / "a.py").write_text("other\n")
    git(server.root / "one", "commit", "--quiet", "--all", "--amend", "--message", "rewritten")
    assert fetch(sandbox, f"{server.url}/one") == git(server.root / "one", "rev-parse", "HEAD")


def test_a_branch_is_fetched_by_its_name(server: GitServer, sandbox: GitSandbox) -> None:
    make_repository(server.root / "one", {"a.py": "main\n"})
    git(server.root / "one", "switch", "--quiet", "--create", "feature/x")
    commit = commit_files(server.root / "one", {"a.py": "feature\n"})
    git(server.root / "one", "switch", "--quiet", "main")
    assert fetch(sandbox, f"{server.url}/one", "feature/x") == commit
    with pytest.raises(RepositoryFailed, match="has no branch 'nowhere'"):
        fetch(sandbox, f"{server.url}/one", "nowhere")


@pytest.mark.parametrize(
    "branch", ["--upload-pack=touch x", "a..b", "a b", "x:refs/heads/y", "+x", "a\nb", "x/"]
)
def test_what_is_no_branch_name_never_reaches_git(
    server: GitServer, sandbox: GitSandbox, branch: str
) -> None:
    make_repository(server.root / "one", {"a.py": "1\n"})
    with pytest.raises(RepositoryFailed, match=r"no name of a branch|has no branch"):
        fetch(sandbox, f"{server.url}/one", branch)
    assert all("upload-pack=touch" not in request for request in server.requests)


def test_an_empty_repository_is_named_so(server: GitServer, sandbox: GitSandbox) -> None:
    git(server.root, "init", "--quiet", "--bare", "empty")
    with pytest.raises(RepositoryFailed, match="The repository is empty"):
        fetch(sandbox, f"{server.url}/empty")


@pytest.mark.parametrize("path", ["missing", "private/one"])
def test_a_repository_that_is_not_there_or_private_is_named_so(
    server: GitServer, sandbox: GitSandbox, path: str
) -> None:
    with pytest.raises(RepositoryFailed, match="has no such repository, or it is private"):
        fetch(sandbox, f"{server.url}/{path}")


def test_a_page_that_answers_to_everything_is_no_repository(server: GitServer, sandbox: GitSandbox) -> None:
    with pytest.raises(RepositoryFailed, match="check the address"):
        fetch(sandbox, f"{server.url}/page/one")


def test_a_redirect_is_not_followed(server: GitServer, sandbox: GitSandbox) -> None:
    make_repository(server.root / "one", {"a.py": "1\n"})
    with pytest.raises(RepositoryFailed, match="has no such repository"):
        fetch(sandbox, f"{server.url}/redirect/one")
    assert all(request.startswith("/redirect/") for request in server.requests)


def test_a_server_that_knows_only_the_name_with_git_at_its_end_is_asked_so(
    server: GitServer, sandbox: GitSandbox
) -> None:
    commit = make_repository(server.root / "one.git", {"a.py": "1\n"})
    assert fetch(sandbox, f"{server.url}/one") == commit


def test_an_unreachable_server_is_named_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        host = f"127.0.0.1:{taken.getsockname()[1]}"
    sandbox = GitSandbox(tmp_path / "clone.git", allowed_hosts={host})
    with pytest.raises(RepositoryFailed, match="cannot be reached"):
        fetch(sandbox, f"http://{host}/one")
    assert not (tmp_path / "clone.git").exists()


def test_an_ipv6_address_is_connected_to_as_it_is(tmp_path: Path) -> None:
    """There is no name to pin, and git refuses curl's option with such a host."""
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken:
        port = taken.getsockname()[1]
    sandbox = GitSandbox(tmp_path / "clone.git", allowed_hosts={f"::1:{port}"})
    with pytest.raises(RepositoryFailed, match="cannot be reached"):
        fetch(sandbox, f"http://[::1]:{port}/one")


def test_an_unknown_host_is_named_so(tmp_path: Path) -> None:
    with pytest.raises(RepositoryFailed, match="is not known"):
        fetch(GitSandbox(tmp_path / "clone.git"), "https://no-such-host.invalid/owner/name")


def test_a_silent_server_is_given_up_in_time(server: GitServer, sandbox: GitSandbox) -> None:
    with pytest.raises(RepositoryFailed, match="took longer than 1 seconds"):
        fetch(sandbox, f"{server.url}/silent/one", seconds=1)
    assert_no_git_is_left(server.url)


def test_stopping_ends_git_and_leaves_nothing(server: GitServer, sandbox: GitSandbox, tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(RepositoryStopped):
        fetch(sandbox, f"{server.url}/silent/one", stop=stop)
    assert_no_git_is_left(server.url)
    assert not (tmp_path / "clones" / "one.git").exists()


def test_a_repository_over_the_limit_is_cut(server: GitServer, sandbox: GitSandbox, tmp_path: Path) -> None:
    make_repository(server.root / "huge", {f"{n}.bin": os.urandom(1_000_000) for n in range(4)})
    with pytest.raises(RepositoryFailed, match="larger than 500,000 bytes"):
        fetch(sandbox, f"{server.url}/huge", max_bytes=500_000)
    assert not (tmp_path / "clones" / "one.git").exists()


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/one",
        "https://localhost/one",
        "https://[::1]/one",
        "https://[::ffff:10.0.0.1]/one",
        "https://[64:ff9b::a00:1]/one",
        "https://[2002:7f00:1::]/one",
        "https://10.1.2.3/one",
        "https://192.168.1.1/one",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/one",
        "https://0.0.0.0/one",
        "https://2130706433/one",
        "https://0x7f.1/one",
        "https://[fd00::1]/one",
        "https://[fe80::1]/one",
    ],
)
def test_private_addresses_are_refused_in_every_spelling(tmp_path: Path, url: str) -> None:
    with pytest.raises(RepositoryFailed, match="private network"):
        fetch(GitSandbox(tmp_path / "clone.git", allowed_hosts={"127.0.0.1:1"}), url)


@pytest.mark.parametrize(
    "url",
    ["file:///etc", "ssh://github.com/a/b", "ext::sh -c id", "http://example.com/a/b", "/etc", "git://h/x"],
)
def test_only_https_is_spoken(tmp_path: Path, url: str) -> None:
    with pytest.raises(RepositoryFailed, match="by https only"):
        fetch(GitSandbox(tmp_path / "clone.git"), url)


def test_symbolic_links_and_submodules_are_no_files(server: GitServer, sandbox: GitSandbox) -> None:
    repository = server.root / "one"
    commit = make_repository(repository, {"a.py": "1\n"})
    (repository / "link").symlink_to("/etc/passwd")
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{commit},vendor/sub")
    commit_files(repository, {".gitmodules": '[submodule "vendor/sub"]\n\tpath = vendor/sub\n\turl = ../x\n'})
    fetch(sandbox, f"{server.url}/one")
    assert set(files_of(sandbox)) == {"a.py", ".gitmodules"}


def test_a_tree_that_names_itself_a_billion_times_is_given_up(server: GitServer, sandbox: GitSandbox) -> None:
    repository = server.root / "bomb"
    make_repository(repository, {"a": "x"})
    tree = git(repository, "mktree", stdin=b"")
    for _ in range(12):
        names = "".join(f"040000 tree {tree}\t{letter}\n" for letter in "abcdefghij")
        tree = git(repository, "mktree", stdin=names.encode())
    commit = git(repository, "commit-tree", tree, "-m", "bomb")
    git(repository, "update-ref", "refs/heads/main", commit)
    fetch(sandbox, f"{server.url}/bomb")
    with pytest.raises(RepositoryFailed, match="took longer than 1 seconds"):
        list(sandbox.entries(limits(seconds=1)))


def test_a_clone_that_a_killed_git_left_is_used_again(
    server: GitServer, sandbox: GitSandbox, tmp_path: Path
) -> None:
    make_repository(server.root / "one", {"a.py": "1\n"})
    fetch(sandbox, f"{server.url}/one")
    clone = tmp_path / "clones" / "one.git"
    for lock in ("shallow.lock", "refs/riverrun/head.lock"):
        (clone / lock).write_text("")
    (clone / "objects" / "pack" / "tmp_pack_x").write_text("half a pack")
    newest = commit_files(server.root / "one", {"a.py": "2\n"})
    assert fetch(sandbox, f"{server.url}/one") == newest
    assert not (clone / "objects" / "pack" / "tmp_pack_x").exists()


def test_a_damaged_clone_is_made_anew(server: GitServer, sandbox: GitSandbox, tmp_path: Path) -> None:
    make_repository(server.root / "one", {f"{number}.py": f"{number}\n" for number in range(9)})
    fetch(sandbox, f"{server.url}/one")
    for pack in (tmp_path / "clones" / "one.git" / "objects" / "pack").iterdir():
        pack.chmod(0o600)
        pack.write_bytes(b"rubbish")
    newest = commit_files(server.root / "one", {"0.py": "new\n"})
    assert fetch(sandbox, f"{server.url}/one") == newest
    assert files_of(sandbox)["0.py"] == b"new\n"


def test_the_operators_own_git_configuration_has_no_say(
    server: GitServer, sandbox: GitSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = make_repository(server.root / "one", {"a.py": "1\n"})
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text('[url "file:///etc/"]\n\tinsteadOf = http://\n')
    monkeypatch.setenv("HOME", str(home))
    assert fetch(sandbox, f"{server.url}/one") == commit


def test_a_blob_that_the_clone_lacks_is_an_error_of_that_file(server: GitServer, sandbox: GitSandbox) -> None:
    make_repository(server.root / "one", {"a.py": "1\n"})
    fetch(sandbox, f"{server.url}/one")
    entry = next(sandbox.entries(limits()))
    assert entry == TreeEntry("a.py", entry.blob, 2)
    with sandbox.open_blobs() as blobs:
        with pytest.raises(OSError, match="does not have its content"):
            blobs.read("0" * 40)
        assert blobs.read(entry.blob) == b"1\n"


def pack_bytes(tmp_path: Path) -> int:
    packs = (tmp_path / "clones" / "one.git" / "objects" / "pack").glob("*.pack")
    return sum(pack.stat().st_size for pack in packs)


def assert_no_git_is_left(url: str) -> None:
    commands = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert url not in commands


@pytest.mark.parametrize("protocol", ["", "old/"])
def test_an_exact_commit_is_fetched_however_old_the_server(
    server: GitServer, sandbox: GitSandbox, protocol: str
) -> None:
    wanted = make_repository(server.root / "one", {"a.py": "first = 1\n"})
    for number in range(120):
        commit_files(server.root / "one", {"a.py": f"later = {number}\n"})
    assert fetch(sandbox, f"{server.url}/{protocol}one", wanted) == wanted
    assert files_of(sandbox) == {"a.py": b"first = 1\n"}


@pytest.mark.parametrize("protocol", ["", "old/"])
def test_a_commit_that_is_not_there_is_said(server: GitServer, sandbox: GitSandbox, protocol: str) -> None:
    make_repository(server.root / "one", {"a.py": "first = 1\n"})
    with pytest.raises(RepositoryFailed, match="no commit"):
        fetch(sandbox, f"{server.url}/{protocol}one", "0123456789" * 4)
