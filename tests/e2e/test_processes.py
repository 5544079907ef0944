"""``riverrun up`` as a person meets it: it comes, it goes, and it leaves nothing behind."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psutil
import pytest
from tests.support.process_tree import descendants, is_alive
from tests.support.waiting import wait_until

from riverrun.kit.free_port import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

ENDS_WITHIN_SECONDS = 5.0
RIVERRUN = [sys.executable, "-m", "riverrun"]


@contextmanager
def up(data_dir: Path, port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """``riverrun up`` until its sign-in link is printed."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*RIVERRUN, "up", "--data-dir", str(data_dir), "--port", str(port)],
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until(
            lambda: "/sign-in?token=" in log.read_text() or process.poll() is not None, 90, what=f"{log}"
        )
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(30)


def sign_in_link(log: Path) -> str:
    found = re.search(r"http://\S+/sign-in\?token=\S+", log.read_text())
    assert found, log.read_text()
    return found[0]


def none_alive(processes: list[psutil.Process]) -> bool:
    return not any(is_alive(one) for one in processes)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of one that stays up for all tests that leave it whole: ``up.log`` and ``data``."""
    folder = tmp_path_factory.mktemp("running")
    with up(folder / "data", free_port(), folder / "up.log"):
        yield folder


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_asked_to_stop_it_ends_every_process(tmp_path: Path, number: signal.Signals) -> None:
    log = tmp_path / "up.log"
    with up(tmp_path / "data", free_port(), log) as process:
        children = descendants(process.pid)
        assert len(children) > 4
        process.send_signal(number)
        process.wait(ENDS_WITHIN_SECONDS)
        assert none_alive(children)
        assert "Traceback" not in log.read_text()


def test_a_closed_terminal_ends_it_as_ctrl_c_does(tmp_path: Path) -> None:
    ours, terminal = os.openpty()
    process = subprocess.Popen(
        [*RIVERRUN, "up", "--data-dir", str(tmp_path), "--port", "0"],
        preexec_fn=lambda: os.login_tty(terminal),
        pass_fds=[terminal],
        env={**os.environ, "PYTHONUNBUFFERED": ""},  # words that wait are still to be written at its end
    )
    os.close(terminal)
    try:
        read_until(ours, b"Ctrl-C ends it")
        children = descendants(process.pid)
    finally:
        os.close(ours)
        status = process.wait(30)
    assert status == 0
    assert none_alive(children)
    assert not (tmp_path / "servers.json").exists(), "the next start would take it for killed"


def read_until(terminal: int, words: bytes) -> None:
    """Read what a command writes into its terminal, up to these words."""
    said = b""
    while words not in said:
        said += os.read(terminal, 4096)


def test_killed_it_leaves_no_orphan_and_starts_again_on_its_data(tmp_path: Path) -> None:
    log = tmp_path / "up.log"
    port = free_port()
    with up(tmp_path / "data", port, log) as process:
        children = descendants(process.pid)
        process.kill()
        wait_until(lambda: none_alive(children), 20)
    with up(tmp_path / "data", port, log):
        assert httpx2.get(f"http://127.0.0.1:{port}/health/ready", timeout=10).status_code == 200


def test_the_link_signs_in_once(running: Path) -> None:
    link = sign_in_link(running / "up.log")
    with httpx2.Client() as browser:
        answer = browser.get(link)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert browser.get(httpx2.URL(link).join("/api/v1/account/me")).json()["is_administrator"] is True
    with httpx2.Client() as another:
        another.get(link)
        assert another.get(httpx2.URL(link).join("/api/v1/account/me")).status_code == 401


def test_a_port_in_use_is_named_before_anything_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = subprocess.run(
            [*RIVERRUN, "up", "--data-dir", str(tmp_path / "data"), "--port", str(port)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert result.returncode != 0
    words = result.stdout + result.stderr
    assert str(port) in words
    assert "--port" in words
    assert "Traceback" not in words


def test_the_commands_find_the_server_that_up_started(running: Path) -> None:
    environment = {**os.environ, "RIVERRUN_DATA_DIR": str(running / "data")}
    result = subprocess.run(
        [*RIVERRUN, "runs"], capture_output=True, text=True, timeout=60, check=False, env=environment
    )
    assert result.returncode == 0, result.stderr
    assert "no runs yet" in result.stdout
