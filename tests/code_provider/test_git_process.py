"""git that does not answer, as on a disk that hangs, is a failure in words, and is not left behind."""

import os
import stat
from pathlib import Path

import psutil
import pytest
from tests.support.waiting import wait_until

from riverrun.code_provider import git_process
from riverrun.code_provider.errors import RepositoryFailed
from riverrun.code_provider.git_process import has_object, run_git


@pytest.fixture
def hanging_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git that says its process id and waits; returns where it says so."""
    said = tmp_path / "pid"
    program = tmp_path / "git"
    program.write_text(f"#!/bin/sh\necho $$ > {said}\nexec sleep 600\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(git_process, "DISK_SECONDS", 0.3)
    return said


@pytest.mark.parametrize(
    "ask",
    [lambda folder: run_git(["git", "version"]), lambda folder: has_object(folder, "HEAD")],
    ids=["run", "has"],
)
def test_git_that_hangs_is_told_in_words_and_ended(ask, hanging_git: Path, tmp_path: Path) -> None:
    with pytest.raises(RepositoryFailed, match="git does not answer"):
        ask(tmp_path)
    pid = wait_until(lambda: hanging_git.exists() and hanging_git.read_text().strip())
    assert not psutil.pid_exists(int(pid))


def test_an_object_that_is_not_there(tmp_path: Path) -> None:
    run_git(["git", "init", "--quiet", "--bare", str(tmp_path)])
    assert has_object(tmp_path, "0" * 40) is False
