"""Whoever blocks the loop is named with route, run and line; what the machine does is nobody's fault."""

import json
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from tests.support.blocking_app import BLOCKERS, blocked_line
from tests.support.waiting import wait_until

from riverrun.kit.free_port import free_port

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "eventloop_monitor.py"
SHORTEST_BLOCK_MS = 250
QUIET_REQUESTS = 200
TURNS = 3
STALLS_IN_A_ROW = 8
STARVERS = 2
NICENESS = 10
"""A tenth of a starver's share: 30 ms of CPU take half a second."""

every_loop = pytest.mark.parametrize("loop", ["uvloop", "asyncio"])


INSTALLED_APP = """
import asyncio, threading
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

app = FastAPI()

@app.get("/quick")
async def quick():
    return "ok"

@app.get("/block")
async def block():
    threading.Event().wait(0.4)

@app.get("/endless")
async def endless():
    async def parts():
        while True:
            yield b"part"
            await asyncio.sleep(0.05)
    return StreamingResponse(parts())
"""


class WatchedApp:
    """An app in a process of its own, under the script."""

    def __init__(self, loop: str, app: str, library: Path) -> None:
        self.client = httpx2.Client(timeout=60)
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        arguments = [app, "--json", "--port", str(port), "--loop", loop]
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT), *arguments],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(library)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        wait_until(self._serves, 30, what="the app")

    def _serves(self) -> bool:
        try:
            return self.get("/quick")
        except httpx2.TransportError:
            return False

    def get(self, path: str) -> bool:
        return self.client.get(f"{self.url}{path}").raise_for_status().is_success

    def end(self) -> dict[str, Any]:
        """Its report."""
        self.process.send_signal(signal.SIGTERM)
        said, errors = self.process.communicate(timeout=30)
        self.warnings = errors.decode()
        report: dict[str, Any] = json.loads(said)
        assert self.process.returncode == (report["stalls"] > 0)
        return report


@contextmanager
def watched_app(
    loop: str, name: str = "tests.support.blocking_app:app", library: Path = ROOT
) -> Iterator[WatchedApp]:
    app = WatchedApp(loop, name, library)
    try:
        yield app
    finally:
        app.client.close()
        app.process.kill()
        app.process.communicate()


@every_loop
def test_each_of_nine_blockers_is_named_with_its_route_its_run_and_its_line(loop: str) -> None:
    """Three times each: one that never lets the interpreter go is seen at its end only, which a busy machine may miss."""
    with watched_app(loop) as app:
        for name in BLOCKERS:
            for turn in range(TURNS):
                app.get(f"/block/{name}/r-{name}-{turn}")
        report = app.end()
    assert len(BLOCKERS) == 9
    for name in BLOCKERS:
        stall = next(
            stall
            for stall in report["worst"]
            if stall["line"] == f"tests/support/blocking_app.py:{blocked_line(name)} in {name}"
            and stall["endpoint"] == f"/block/{name}/{{run_id}}"
        )
        assert stall["method"] == "GET"
        assert stall["run_id"] in {f"r-{name}-{turn}" for turn in range(TURNS)}
        assert stall["blocked_time_ms"] >= SHORTEST_BLOCK_MS
        assert any(f"in {name}:" in line for line in stall["stack"])
        assert f"{stall['endpoint']} at {stall['line']}, run {stall['run_id']}" in app.warnings


@every_loop
def test_who_never_lets_the_interpreter_go_is_named_again_and_again(loop: str) -> None:
    """He is seen at his end only, and the next stall follows at once: a busy machine may miss some, but not every second one."""
    with watched_app(loop) as app:
        for turn in range(STALLS_IN_A_ROW):
            app.get(f"/block/slow_regex/r-{turn}")
        report = app.end()
    named = [stall for stall in report["worst"] if stall["line"].endswith(" in slow_regex")]
    assert STALLS_IN_A_ROW - 2 <= len(named) <= STALLS_IN_A_ROW
    assert len({stall["run_id"] for stall in named}) == len(named)


@every_loop
def test_a_quiet_app_raises_no_alarm(loop: str) -> None:
    with watched_app(loop) as app:
        for _ in range(QUIET_REQUESTS):
            app.get("/quick")
        report = app.end()
    assert report["worst"] == []
    assert report["stalls"] == 0


@every_loop
def test_the_cpu_of_the_most_expensive_callback_is_known(loop: str) -> None:
    with watched_app(loop) as app:
        app.get("/block/large_json/r")
        app.get("/block/sleep/r")
        report = app.end()
    json_stall = next(stall for stall in report["worst"] if "large_json" in stall["endpoint"])
    sleep_stall = next(stall for stall in report["worst"] if "sleep" in stall["endpoint"])
    assert report["callback"]["endpoint"] == "/block/large_json/{run_id}"
    assert report["callback_cpu_ms"] > json_stall["cpu_ms"] / 2 > sleep_stall["cpu_ms"]


@every_loop
def test_a_stopped_process_is_the_machines_fault(loop: str) -> None:
    with watched_app(loop) as app:
        app.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: state_of(app.process.pid) == "T", what="the stop")
        with pytest.raises(httpx2.TimeoutException):
            httpx2.get(f"{app.url}/compute", timeout=1)
        app.process.send_signal(signal.SIGCONT)
        app.get("/compute")
        report = app.end()
    assert report["worst"] == []
    assert report["machine_stalls"] >= 1
    assert report["machine_longest_ms"] > 900


@every_loop
def test_a_starved_process_is_the_machines_fault(loop: str) -> None:
    """It may run only where others do, who are far more important."""
    core = {min(os.sched_getaffinity(0))}
    with watched_app(loop) as app:
        for thread in os.listdir(f"/proc/{app.process.pid}/task"):
            os.sched_setaffinity(int(thread), core)
            os.setpriority(os.PRIO_PROCESS, int(thread), NICENESS)
        starvers = [
            subprocess.Popen(
                [sys.executable, "-c", "while True: pass"], preexec_fn=lambda: os.sched_setaffinity(0, core)
            )
            for _ in range(STARVERS)
        ]
        try:
            for _ in range(3):
                app.get("/compute")
        finally:
            for starver in starvers:
                starver.kill()
                starver.wait()
        report = app.end()
    assert report["worst"] == []
    assert report["machine_stalls"] >= 1


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Where a shop is installed."""
    folder = tmp_path / "site-packages"
    (folder / "shop").mkdir(parents=True)
    (folder / "shop" / "__init__.py").write_text(INSTALLED_APP)
    return folder


def test_an_installed_app_is_told_from_other_libraries(library: Path) -> None:
    with watched_app("uvloop", "shop:app", library) as app:
        app.get("/block")
        report = app.end()
    assert "shop/__init__.py:14 in block" in {stall["line"] for stall in report["worst"]}


def test_ctrl_c_ends_it_though_a_stream_is_open(library: Path) -> None:
    with watched_app("uvloop", "shop:app", library) as app:
        with app.client.stream("GET", f"{app.url}/endless") as response:
            parts = response.iter_raw()  # forgotten, it would end the stream
            next(parts)
            app.process.send_signal(signal.SIGINT)
            app.process.wait(timeout=30)
        assert "stalls" in json.loads(app.process.communicate()[0])


def test_a_second_ctrl_c_waits_for_nobody() -> None:
    server = runpy.run_path(str(SCRIPT))["ReportingServer"](uvicorn.Config(None))
    server.handle_exit(signal.SIGINT, None)
    assert (server.should_exit, server.force_exit) == (True, False)
    server.handle_exit(signal.SIGINT, None)
    assert (server.should_exit, server.force_exit) == (True, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--warn-ms", "0"], "0 is not above 0"),
        (["--warn-ms", "-5"], "-5 is not above 0"),
        (["--port", "99999"], "99999 is not between 0 and 65535"),
        (["nothing"], 'Import string "nothing" must be in format'),
        (["tests.nowhere:app"], 'Could not import module "tests.nowhere"'),
        (["tests.support.blocking_app:nothing"], 'Attribute "nothing" not found'),
        (["tests.support.blocking_app:WAIT_SECONDS"], "is no ASGI app"),
        (["riverrun.main:create_app"], "add --factory"),
        (["tests.support.blocking_app:app", "--factory"], "without --factory?"),
    ],
)
def test_what_is_asked_for_wrongly_is_answered_in_one_line(arguments: list[str], said: str) -> None:
    app = [] if arguments[0][0] != "-" else ["tests.support.blocking_app:app"]
    asked = subprocess.run(
        [sys.executable, str(SCRIPT), *app, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert asked.returncode == 2
    assert said in asked.stderr.splitlines()[-1]
    assert "Traceback" not in asked.stderr


def test_an_app_whose_arguments_are_not_told_is_no_factory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "decorated.py").write_text("async def app(*_, **__): pass")
    monkeypatch.syspath_prepend(tmp_path)
    app = runpy.run_path(str(SCRIPT))["load_app"]("decorated:app", is_factory=False)
    assert app.__name__ == "app"


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
