"""The commit of a folder, read without git."""

import os
from pathlib import Path

import pytest
from tests.support.git_server import commit_files, git, make_repository

from riverrun.code_provider.work_tree import head_commit


def test_the_commit_of_a_branch_is_found_loose_and_packed(tmp_path: Path) -> None:
    commit = make_repository(tmp_path, {"a": "1"})
    assert head_commit(tmp_path) == commit
    git(tmp_path, "pack-refs", "--all")
    assert head_commit(tmp_path) == commit
    newer = commit_files(tmp_path, {"a": "2"})
    assert head_commit(tmp_path) == newer


def test_a_detached_head_and_a_linked_work_tree_have_their_commits(tmp_path: Path) -> None:
    first = make_repository(tmp_path / "main", {"a": "1"})
    second = commit_files(tmp_path / "main", {"a": "2"})
    git(tmp_path / "main", "worktree", "add", "--quiet", "-b", "linked", str(tmp_path / "linked"), first)
    git(tmp_path / "main", "checkout", "--quiet", "--detach", second)
    assert head_commit(tmp_path / "main") == second
    assert head_commit(tmp_path / "linked") == first


def test_a_folder_without_git_or_without_a_commit_has_none(tmp_path: Path) -> None:
    assert head_commit(tmp_path) is None
    git(tmp_path, "init", "--quiet")
    assert head_commit(tmp_path) is None


@pytest.mark.parametrize("head", ["", "ref: ../../etc/passwd", "ref: refs/../../x", "rubbish", "\udcff"])
def test_a_forged_head_is_not_believed(tmp_path: Path, head: str) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_bytes(head.encode("utf-8", "surrogateescape"))
    assert head_commit(tmp_path) is None


@pytest.mark.timeout(10)
@pytest.mark.parametrize("name", [".git", "HEAD", "commondir", "packed-refs", "refs/heads/main"])
@pytest.mark.parametrize("is_linked", [False, True])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path, name: str, is_linked: bool) -> None:
    git_directory = tmp_path / ("elsewhere" if is_linked else ".git")
    pipe = tmp_path / name if name == ".git" else git_directory / name
    if is_linked and name != ".git":
        (tmp_path / ".git").write_text("gitdir: elsewhere\n")
    pipe.parent.mkdir(parents=True, exist_ok=True)
    if name not in {".git", "HEAD"}:
        (git_directory / "HEAD").write_text("ref: refs/heads/main\n")
    os.mkfifo(pipe)
    assert head_commit(tmp_path) is None


@pytest.mark.parametrize("name", ["HEAD", "refs/heads/main"])
def test_a_directory_in_the_place_of_a_file_leaves_nothing_open(tmp_path: Path, name: str) -> None:
    (tmp_path / ".git" / name).mkdir(parents=True)
    if name != "HEAD":
        (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    before = os.listdir("/proc/self/fd")
    assert head_commit(tmp_path) is None
    assert os.listdir("/proc/self/fd") == before
