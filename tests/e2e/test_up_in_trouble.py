"""``riverrun up`` where something is wrong: words that say what to do, and nothing left running."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psutil
import pytest
from tests.support.process_tree import command_of, descendants, is_alive
from tests.support.waiting import wait_until

from riverrun.kit.free_port import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def command(data_dir: Path, port: int) -> list[str]:
    return [sys.executable, "-m", "riverrun", "up", "--data-dir", str(data_dir), "--port", str(port)]


@contextmanager
def up(data_dir: Path, port: int, log: Path) -> Iterator[psutil.Popen]:
    """The stack, once it has printed its link; whatever is left of it afterwards is killed."""
    with log.open("wb") as output:
        process = psutil.Popen(command(data_dir, port), stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: "Ctrl-C ends it" in log.read_text() or process.poll() is not None, 90)
        assert process.poll() is None, log.read_text()
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(30)


def refusal(data_dir: Path, port: int, **environment: str) -> str:
    """What an ``up`` that cannot run says, in any case without a traceback of its own."""
    before = set(descendants(os.getpid()))
    result = subprocess.run(
        command(data_dir, port), capture_output=True, text=True, timeout=120, check=False,
        env=os.environ | environment,
    )  # fmt: skip
    assert result.returncode == 1, result
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not [
        process for process in descendants(os.getpid()) if process not in before and is_alive(process)
    ]
    return result.stdout + result.stderr


def process_of(stack: psutil.Popen, *words: str) -> psutil.Process:
    """The process under the stack that was started as ``riverrun`` with these words (its guard says them too)."""
    started = f"{sys.executable} -m riverrun {' '.join(words)}"
    return wait_until(
        lambda: next((one for one in descendants(stack.pid) if command_of(one) == started), None),
        what=started,
    )


def test_a_second_one_on_the_same_folder_names_the_first_and_leaves_it_alone(tmp_path: Path) -> None:
    port = free_port()
    with up(tmp_path / "data", port, tmp_path / "log") as first:
        words = refusal(tmp_path / "data", free_port())
        assert f"already runs on {tmp_path / 'data'} (process {first.pid})" in words
        assert httpx2.get(f"http://127.0.0.1:{port}/health/ready", timeout=10).status_code == 200


def test_an_own_database_that_does_not_answer(tmp_path: Path) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    words = refusal(
        tmp_path, free_port(),
        RIVERRUN_DATABASE_URL=f"postgresql://riverrun:secret@{nowhere}/riverrun", RIVERRUN_REDIS_URL=f"redis://{nowhere}/0",
    )  # fmt: skip
    assert "check RIVERRUN_DATABASE_URL" in words
    assert "secret" not in words


def test_half_of_the_own_servers(tmp_path: Path) -> None:
    words = refusal(tmp_path, free_port(), RIVERRUN_REDIS_URL="redis://127.0.0.1:1/0")
    assert "set both RIVERRUN_DATABASE_URL and RIVERRUN_REDIS_URL, or neither" in words


def test_a_broker_that_does_not_answer_is_named_before_anything_starts(tmp_path: Path) -> None:
    words = refusal(tmp_path, free_port(), RIVERRUN_BROKER_URL="redis://127.0.0.1:1/1")
    assert "check that it runs and RIVERRUN_BROKER_URL" in words
    assert not (tmp_path / "postgres").exists()


def test_a_process_that_cannot_start_ends_it_with_its_last_words(tmp_path: Path) -> None:
    words = refusal(tmp_path, free_port(), RIVERRUN_FIREBASE_EMULATOR="127.0.0.1:1")
    assert "could not start" in words
    assert "RIVERRUN_FIREBASE_PROJECT_ID must begin with demo-" in words


def test_a_setting_that_cannot_be_is_refused_before_anything_starts(tmp_path: Path) -> None:
    words = refusal(tmp_path / "data", free_port(), RIVERRUN_LOG_LEVEL="SHOUTING")
    assert "RIVERRUN_LOG_LEVEL" in words
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "arguments", [("api",), ("worker", "--queues", "indexing", "--supervised")], ids=["api", "worker"]
)
def test_a_process_that_is_killed_is_started_again_and_that_is_said(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    port = free_port()
    with up(tmp_path / "data", port, tmp_path / "log") as stack:
        killed = process_of(stack, *arguments)
        killed.kill()
        wait_until(
            lambda: re.search(
                r"ended \(killed by signal 9\); starting it again", (tmp_path / "log").read_text()
            )
        )
        assert process_of(stack, *arguments).pid != killed.pid
        wait_until(lambda: answers(port), 60)


def test_the_second_ctrl_c_kills_what_the_first_still_waits_for(tmp_path: Path) -> None:
    with up(tmp_path / "data", free_port(), tmp_path / "log") as stack:
        children = descendants(stack.pid)
        process_of(stack, "worker", "--queues", "chats", "--supervised").suspend()
        stack.send_signal(signal.SIGINT)
        wait_until(lambda: "Ctrl-C again kills" in (tmp_path / "log").read_text())
        stack.send_signal(signal.SIGINT)
        assert stack.wait(10) == 130
        wait_until(lambda: not any(map(is_alive, children)))


def answers(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/health/ready", timeout=5).status_code == 200
    except httpx2.TransportError:
        return False
