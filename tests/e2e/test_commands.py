"""The commands as processes: what they print, and what they end with."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from tests.support.waiting import wait_until

from riverrun.cli.client import RiverrunClient
from riverrun.cli.stack import Stack

QUESTION = "How are cookies of a response written?"
INTERRUPTIONS = 10
"""An answer takes a second, and on a busy machine may be over before Ctrl-C comes."""


@pytest.fixture
def environment(stack: Stack, tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "RIVERRUN_URL": stack.base_url,
        "RIVERRUN_TOKEN": stack.token,
        "RIVERRUN_DATA_DIR": str(tmp_path),
        "COLUMNS": "100",
    }


def riverrun(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "riverrun", *arguments],
        capture_output=True, text=True, timeout=90, check=False, env=environment,
    )  # fmt: skip


def assert_one_line(result: subprocess.CompletedProcess[str], exit_code: int) -> str:
    assert result.returncode == exit_code, result
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("riverrun: ")
    return lines[0]


def test_ask_in_a_pipe_prints_the_stored_answer_and_the_cited_lines(
    environment: dict[str, str], client: RiverrunClient, project_id: str, starlette_source: Path
) -> None:
    result = riverrun(environment, "ask", "--repo", str(starlette_source), QUESTION)
    assert result.returncode == 0, result.stderr
    latest = client.runs(1)[0]
    messages = client._list("GET", f"/api/v1/conversations/{latest['subject_id']}/messages")
    assert result.stdout.startswith(messages[-1]["content"])
    citation = messages[-1]["citations"][0]
    assert f"{citation['path']}:{citation['start_line']}" in result.stdout
    lines = client.file_lines(project_id, citation["path"], citation["start_line"], citation["start_line"])
    assert f"{citation['start_line']:6} {lines['text'].rstrip()}" in result.stdout


def test_ask_on_a_terminal_renders_and_ctrl_c_prints_the_receipt(
    environment: dict[str, str], client: RiverrunClient, project_id: str, starlette_source: Path
) -> None:
    command = [sys.executable, "-m", "riverrun", "ask", "--repo", str(starlette_source), QUESTION]
    for _ in range(INTERRUPTIONS):
        code, words = interrupted(command, {**environment, "TERM": "xterm-256color"})
        if code != 0:
            break
    assert code == 130
    assert re.search(r"stopped; \d+ characters of the answer are saved", words)
    assert client.runs(1)[0]["status"] == "cancelled"


def interrupted(command: list[str], environment: dict[str, str]) -> tuple[int, str]:
    """The exit code and the screen of a program that gets Ctrl-C while it answers, unless its answer was faster."""
    pid, terminal = pty.fork()
    if pid == 0:
        # Whatever runs these tests in the background may ignore Ctrl-C; a terminal's shell does not.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execve(sys.executable, command, environment)
    screen = Screen(terminal)
    screen.read_until("answering")
    os.kill(pid, signal.SIGINT)
    return screen.read_to_the_end_of(pid), screen.read()


class Screen:
    """What a program has written to its terminal so far."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._written = b""

    def read_to_the_end_of(self, pid: int) -> int:
        """Its exit code. A terminal that nobody reads would hold it up for ever."""
        ended: list[int] = []

        def has_ended() -> bool:
            self.read()
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                ended.append(os.waitstatus_to_exitcode(status))
            return bool(ended)

        wait_until(has_ended, 60, what="the command's end")
        return ended[0]

    def read_until(self, words: str, patience_seconds: float = 60) -> None:
        """At once when they are there: what follows them may be over soon."""
        while words not in self.read():
            is_more = select.select([self._descriptor], [], [], patience_seconds)[0]
            assert is_more, f"no {words!r} on the screen, but {self.read()!r}"

    def read(self) -> str:
        while select.select([self._descriptor], [], [], 0)[0]:
            try:
                data = os.read(self._descriptor, 65536)
            except OSError:
                break
            if not data:
                break
            self._written += data
        return self._written.decode(errors="replace")


def test_index_prints_what_it_found(
    environment: dict[str, str], starlette_source: Path, project_id: str
) -> None:
    result = riverrun(environment, "index", str(starlette_source))
    assert result.returncode == 0, result.stderr
    assert re.search(r"starlette: \d+ files, [\d,]+ symbols", result.stdout)


def test_index_of_what_is_no_folder_is_one_line(environment: dict[str, str], tmp_path: Path) -> None:
    assert "missing" in assert_one_line(riverrun(environment, "index", str(tmp_path / "missing")), 1)


def test_index_of_a_url_that_is_not_https_is_one_line(environment: dict[str, str]) -> None:
    assert "https" in assert_one_line(riverrun(environment, "index", "http://example.org/a/b"), 1)


def test_index_of_an_empty_folder_is_one_line(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert_one_line(riverrun(environment, "index", str(tmp_path / "empty")), 1)


def test_ask_about_what_is_not_indexed_says_how_to_index_it(
    environment: dict[str, str], project_id: str
) -> None:
    assert "riverrun index nothing" in assert_one_line(
        riverrun(environment, "ask", "--repo", "nothing", "What?"), 1
    )


@pytest.mark.parametrize("question", ["", "x" * 100_000], ids=["none", "endless"])
def test_ask_without_words_or_with_too_many_is_one_line(
    environment: dict[str, str], project_id: str, question: str
) -> None:
    assert_one_line(riverrun(environment, "ask", "--repo", "starlette", question), 1)


def test_runs_lists_them_and_follows_one(
    environment: dict[str, str], client: RiverrunClient, project_id: str
) -> None:
    listed = riverrun(environment, "runs", "--limit", "5")
    latest = client.runs(1)[0]
    assert latest["run_id"] in listed.stdout
    followed = riverrun(environment, "runs", latest["run_id"])
    assert followed.returncode == 0, followed.stderr
    assert " end " in followed.stdout.splitlines()[-1]


def test_a_run_that_is_not_there_is_one_line(environment: dict[str, str]) -> None:
    assert_one_line(riverrun(environment, "runs", "00000000-0000-7000-8000-000000000000"), 1)


def test_keys_are_made_used_listed_and_revoked(environment: dict[str, str], stack: Stack) -> None:
    made = riverrun(environment, "keys", "create", "my robot", "--scope", "read")
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()

    def look() -> int:
        url = f"{stack.base_url}/api/v2/projects/list"
        return httpx2.get(url, headers={"X-API-Key": key}, trust_env=False).status_code

    assert look() == 200
    line = next(
        line for line in riverrun(environment, "keys", "list").stdout.splitlines() if "my robot" in line
    )
    assert key[:8] in line
    assert key not in line
    assert riverrun(environment, "keys", "revoke", line.split()[0]).stdout == "revoked\n"
    assert look() == 401
    assert_one_line(riverrun(environment, "keys", "revoke", "nonsense"), 1)


def test_a_wrong_token_is_one_line(environment: dict[str, str]) -> None:
    assert "riverrun up" in assert_one_line(riverrun(environment | {"RIVERRUN_TOKEN": "wrong"}, "runs"), 1)


def test_no_server_is_one_line_that_says_how_to_start_one(
    environment: dict[str, str], tmp_path: Path
) -> None:
    nobody = environment | {"RIVERRUN_URL": "http://127.0.0.1:9", "RIVERRUN_TOKEN": "t"}
    assert "riverrun up" in assert_one_line(riverrun(nobody, "ask", "What?"), 3)
    nowhere = {
        name: value for name, value in environment.items() if name not in ("RIVERRUN_URL", "RIVERRUN_TOKEN")
    }
    assert "riverrun up" in assert_one_line(
        riverrun(nowhere | {"RIVERRUN_DATA_DIR": str(tmp_path)}, "runs"), 3
    )
