"""Walking folders: what is seen, what is left out and said to be, and that nothing leads outside."""

import os
import random
import socket
from pathlib import Path

import pytest
from tests.support.git_server import git, make_repository

from riverrun.parsing import source_walk
from riverrun.parsing.source_walk import FolderTree, SourceEntry, SourceUnreadable, blob_of


def fill(folder: Path, *paths: str) -> None:
    for path in paths:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(path)


def entries_of(folder: Path) -> list[SourceEntry]:
    with FolderTree(folder, max_file_bytes=1_000) as tree:
        return list(tree.entries())


def files_of(folder: Path) -> list[str]:
    return [entry.path for entry in entries_of(folder) if not entry.reason]


def reasons_of(folder: Path) -> dict[str, str | None]:
    return {entry.path: entry.reason for entry in entries_of(folder) if entry.reason}


def test_our_own_data_folder_stays_out_whatever_it_is_called(tmp_path: Path) -> None:
    fill(tmp_path / "home", "code.py", "own/client.json", "other/more.py")
    (tmp_path / "alias").symlink_to(tmp_path / "home" / "own")
    with FolderTree(tmp_path / "home", max_file_bytes=1_000, data_dir=tmp_path / "alias") as tree:
        found = {entry.path: entry.reason for entry in tree.entries()}
    assert found == {"code.py": None, "other/more.py": None, "own/": "Riverrun's own data folder"}


@pytest.mark.parametrize("root", ["own", "alias", "own/deep"])
def test_nothing_within_our_own_data_folder_is_a_source(tmp_path: Path, root: str) -> None:
    fill(tmp_path, "own/client.json", "own/deep/key")
    (tmp_path / "alias").symlink_to(tmp_path / "own")
    with pytest.raises(SourceUnreadable, match="own data folder"):
        FolderTree(tmp_path / root, max_file_bytes=1_000, data_dir=tmp_path / "own")


def test_files_come_in_a_fixed_order_with_their_sizes_and_stamps(tmp_path: Path) -> None:
    fill(tmp_path, "b.py", "a/z.py", "a/b/c.py", "c.py", ".github/ci.yml")
    entries = entries_of(tmp_path)
    assert [entry.path for entry in entries] == ["b.py", "c.py", ".github/ci.yml", "a/z.py", "a/b/c.py"]
    assert [entry.size for entry in entries] == [len(entry.path) for entry in entries]


def test_a_fresh_file_has_no_stamp_until_its_time_is_past(tmp_path: Path) -> None:
    fill(tmp_path, "a.py")
    assert entries_of(tmp_path)[0].stamp == ""


def test_a_stamp_changes_with_the_file_even_when_its_time_is_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_walk, "FRESH_SECONDS", -1)
    fill(tmp_path, "a.py")
    before = entries_of(tmp_path)[0].stamp
    assert before
    assert entries_of(tmp_path)[0].stamp == before
    status = (tmp_path / "a.py").stat()
    (tmp_path / "new").write_text("b.py")
    (tmp_path / "new").replace(tmp_path / "a.py")
    os.utime(tmp_path / "a.py", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert entries_of(tmp_path)[0].stamp != before


def test_ignore_files_of_every_level_hold_and_the_innermost_wins(tmp_path: Path) -> None:
    fill(
        tmp_path,
        "a.log",
        "keep.log",
        "build/x.py",
        "src/build/y.py",
        "src/keep.tmp",
        "src/a.tmp",
        "src/deep/z.tmp",
    )
    (tmp_path / ".gitignore").write_text("*.log\n!keep.log\n/build/\n*.tmp\n")
    (tmp_path / "src" / ".gitignore").write_text("!keep.tmp\n")
    assert files_of(tmp_path) == [
        ".gitignore",
        "keep.log",
        "src/.gitignore",
        "src/keep.tmp",
        "src/build/y.py",
    ]


def test_what_git_ignores_we_ignore(tmp_path: Path) -> None:
    paths = [
        "a.o",
        "x/a.o",
        "foo/bar/baz",
        "foo/bar",
        "doc/a.txt",
        "doc/x/b.txt",
        "a b",
        "#x",
        "!y",
        "t.py",
        "x/t.py",
    ]
    rules = "*.o\n!x/a.o\nfoo/*\n!foo/bar\ndoc/**/b.txt\na\\ b\n\\#x\n\\!y\n/t.py\n\n  \n[\n"
    fill(tmp_path, *[path for path in paths if path != "foo/bar"])
    make_repository(tmp_path, {".gitignore": rules, "x/.gitignore": "t*\n!t.py\n"})
    tracked = git(tmp_path, "ls-files", "-z").split("\0")
    assert sorted(files_of(tmp_path)) == sorted(filter(None, tracked))


def as_git_has_it(folder: Path, rules: bytes) -> None:
    """Compare what is seen of a folder under these rules with what git sees."""
    (folder / ".gitignore").write_bytes(rules)
    git(folder, "init", "-q")
    seen = git(folder, "ls-files", "-z", "--others", "--exclude-per-directory=.gitignore").split("\0")
    assert sorted(files_of(folder)) == sorted(filter(None, seen)), rules


@pytest.mark.parametrize(
    ("rules", "paths"),
    [
        pytest.param(b"*\n!*/\n!*.py\n", "a.py a.c d/b.py d/c.c", id="only some files, in all folders"),
        pytest.param(b"secrets/\n!/config\n", "config/secrets/s.py config/ok.py", id="a parent taken back"),
        pytest.param(b"lib/**\n!lib/a.py\n", "lib/a.py lib/b.py lib/x/a.py", id="one taken back of all below"),
        pytest.param(b"/*\n!/src\n", "a.py src/b.py src/c/d.py", id="one folder only"),
        pytest.param(b"d/\n!d/x.py\n", "d/x.py d/y.py", id="none out of an ignored folder"),
        pytest.param(b"*.py\n!/keep/*.py\n", "keep/a.py x.py keep/d/a.py", id="a deeper path"),
        pytest.param(b"a/\n", "a b/a/c", id="a folder only"),
        pytest.param(b"**/foo/bar\na/**/z.py\nabc/**\n**/b/\n", "q/foo/bar a/z.py a/b/c/z.py abc/k k/abc/k c/b", id="stars"),
        pytest.param(b"\xef\xbb\xbfa.py\r\nb.py  \r\n", "a.py b.py c.py", id="an editor's marks"),
        pytest.param("a\u2028b.py\nc\x0cd.py\n".encode(), "a\u2028b.py b.py a c\x0cd.py c d.py", id="only a line feed ends a line"),
        pytest.param(b"//a\nb//c\n/\n.\n!\n!!x\n", "a b/c .x !x", id="what means nothing"),
    ],
)  # fmt: skip
def test_what_git_takes_back_we_take_back(tmp_path: Path, rules: bytes, paths: str) -> None:
    fill(tmp_path, *paths.split(" "))
    as_git_has_it(tmp_path, rules)


@pytest.mark.parametrize("seed", range(12))
def test_any_rules_mean_what_they_mean_to_git(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    names = ["a", "b", "a.py", "b.c"]
    patterns = ["*", "a", "b", "*.py", "a/", "b/", "*/", "/a", "a/b", "a/**", "**/b", "/*", "a/*.py", "**/a/"]
    fill(tmp_path, *(f"{one}1/{two}1/{name}" for one in "ab" for two in "ab" for name in names))
    fill(tmp_path, *names[2:], *(f"{one}1/{name}" for one in "ab" for name in names))
    lines = [
        chance.choice(["", "", "!"]) + chance.choice(patterns).replace("a", "a1").replace("b", "b1")
        for _ in range(4)
    ]
    as_git_has_it(tmp_path, "\n".join(line.replace("a1.py", "a.py") for line in lines).encode())


def test_ignore_files_above_the_root_do_not_hold(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*\n")
    fill(tmp_path / "inner", "a.py")
    assert files_of(tmp_path / "inner") == ["a.py"]


def test_version_control_and_bytecode_are_not_even_listed(tmp_path: Path) -> None:
    fill(tmp_path, ".git/config", ".hg/x", "sub/.git/HEAD", "module/.git", "__pycache__/a.pyc", "a.py")
    assert [entry.path for entry in entries_of(tmp_path)] == ["a.py"]


def test_dependencies_caches_and_environments_are_listed_with_their_reason(tmp_path: Path) -> None:
    fill(tmp_path, "a.py", "node_modules/x/a.js", "env/pyvenv.cfg", "env/b.py", "cache/c.py")
    (tmp_path / "cache" / "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55\n")
    assert files_of(tmp_path) == ["a.py"]
    assert reasons_of(tmp_path) == {
        "cache/": "a cache (it has a CACHEDIR.TAG)",
        "env/": "a virtual environment",
        "node_modules/": "a directory of dependencies",
    }


def test_an_environment_given_as_the_root_is_walked(tmp_path: Path) -> None:
    fill(tmp_path, "pyvenv.cfg", "lib/a.py")
    assert files_of(tmp_path) == ["pyvenv.cfg", "lib/a.py"]


def test_symbolic_links_are_never_followed(tmp_path: Path) -> None:
    fill(tmp_path / "outside", "secret.py")
    fill(tmp_path / "root", "a.py")
    (tmp_path / "root" / "file").symlink_to(tmp_path / "outside" / "secret.py")
    (tmp_path / "root" / "folder").symlink_to(tmp_path / "outside")
    (tmp_path / "root" / "loop").symlink_to(".")
    assert files_of(tmp_path / "root") == ["a.py"]
    assert set(reasons_of(tmp_path / "root").values()) == {"a symbolic link"}


def test_a_file_or_folder_that_becomes_a_link_before_it_is_read_is_not_read(tmp_path: Path) -> None:
    fill(tmp_path / "outside", "a.py")
    fill(tmp_path / "root", "a.py", "sub/a.py", "z/a.py")
    with FolderTree(tmp_path / "root", max_file_bytes=1_000) as tree:
        top, nested, _ = tree.entries()
        (tmp_path / "root" / "a.py").unlink()
        (tmp_path / "root" / "a.py").symlink_to(tmp_path / "outside" / "a.py")
        (tmp_path / "root" / "sub").rename(tmp_path / "moved")
        (tmp_path / "root" / "sub").symlink_to(tmp_path / "outside")
        with pytest.raises(OSError, match="symbolic"):
            tree.read(top)
        with pytest.raises(OSError, match="directory"):
            tree.read(nested)


def test_pipes_and_sockets_are_no_files_and_hold_nobody_up(tmp_path: Path) -> None:
    fill(tmp_path, "a.py")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        assert reasons_of(tmp_path) == {"pipe": "no regular file", "socket": "no regular file"}
        with (
            FolderTree(tmp_path, max_file_bytes=1_000) as tree,
            pytest.raises(OSError, match="no regular file"),
        ):
            tree.read(SourceEntry("pipe"))


def test_names_that_are_no_utf8_are_listed_readably(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.py")).write_text("x = 1")
    (tmp_path / os.fsdecode(b"d\xe9")).mkdir()
    fill(tmp_path, "größe 🙂.py")
    (tmp_path / os.fsdecode(b"d\xe9") / "a.py").write_text("x = 1")
    assert files_of(tmp_path) == ["größe 🙂.py"]
    assert reasons_of(tmp_path) == {
        "caf\\xe9.py": "its name is no UTF-8",
        "d\\xe9/a.py": "its name is no UTF-8",
    }


def test_a_file_is_read_as_it_is_and_only_to_the_limit(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\0\xff\n")
    (tmp_path / "large").write_bytes(b"x" * 5_000)
    with FolderTree(tmp_path, max_file_bytes=1_000) as tree:
        assert tree.read(SourceEntry("a")) == b"\0\xff\n"
        assert len(tree.read(SourceEntry("large"))) == 1_001


def test_a_blobs_name_is_the_one_git_gives(tmp_path: Path) -> None:
    for content in (b"", b"hello\n", bytes(range(256)) * 99):
        assert blob_of(content) == git(tmp_path, "hash-object", "--stdin", stdin=content)


@pytest.mark.parametrize("name", ["missing", "a.py", "x\0y"])
def test_a_root_that_is_no_folder_is_refused_in_words(tmp_path: Path, name: str) -> None:
    fill(tmp_path, "a.py")
    with pytest.raises(SourceUnreadable, match=r"There is no folder|is not a folder|cannot be opened"):
        FolderTree(tmp_path / name, max_file_bytes=1_000)


def test_a_folder_of_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_walk, "MAX_FILES", 2)
    fill(tmp_path, "a", "b", "c")
    with pytest.raises(SourceUnreadable, match="more than 2 files"):
        entries_of(tmp_path)


def test_a_walk_leaves_no_descriptor_open(tmp_path: Path) -> None:
    fill(tmp_path, "a/b/c.py", "a/d.py", "e/f.py")
    before = len(os.listdir("/proc/self/fd"))
    with FolderTree(tmp_path, max_file_bytes=1_000) as tree:
        for entry in list(tree.entries()):
            tree.read(entry)
    assert len(os.listdir("/proc/self/fd")) == before
