"""What the monitor says of the request that blocked the loop, whatever stands between the two."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
import uvloop
from fastapi import FastAPI
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.support import forking_app
from tests.support.waiting import wait_until_async

from riverrun.infra.eventloop_monitor import EventLoopMonitor
from riverrun.infra.loop_report import Place

BLOCK_SECONDS = 0.3
DEEP = 200

Runner = Callable[[Coroutine[Any, Any, Place]], Place]
every_loop = pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])


class Route:
    """As frameworks have them."""

    path_format = "/things/{name}"


def block_the_loop() -> None:
    time.sleep(BLOCK_SECONDS)


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Finds out in a scope of its own what the request is."""
    if scope["type"] == "http":
        scope = {**scope, "path_params": {"name": "one"}, "route": Route()}
        await BlockingAnswer(headers={"x-run-id": "run-7"})(scope, receive, send)


class BlockingAnswer(Response):
    """Blocks the loop in the middle."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        block_the_loop()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def in_a_task(scope: Scope, receive: Receive, send: Send) -> None:
    """As some middleware does."""
    await asyncio.create_task(answer(scope, receive, send))


mounted = FastAPI()
mounting = FastAPI()
mounting.mount("/shops/{shop}", mounted)


@mounted.get("/things/{name}")
async def thing(name: str) -> str:
    block_the_loop()
    return name


@mounting.get("/streams/{name}")
async def stream(name: str) -> StreamingResponse:
    """Starlette goes through it in a task of its own."""
    return StreamingResponse(blocking_parts())


async def blocking_parts() -> AsyncIterator[bytes]:
    await asyncio.sleep(0)
    block_the_loop()
    yield b"part"


@mounting.get("/tasks/{name}")
async def begin(name: str) -> str:
    """What it begins goes on when it is long over."""
    KEPT_TASKS.append(asyncio.create_task(go_on()))
    return name


async def go_on() -> None:
    await asyncio.sleep(0.05)
    block_the_loop()


KEPT_TASKS: list[asyncio.Task[None]] = []


async def send(_: Any) -> None:
    await asyncio.sleep(0)


def asked(path: str) -> Scope:
    """As a server gives it."""
    return {
        "type": "http",
        "method": "GET",
        "path": path,
        "root_path": "",
        "query_string": b"",
        "headers": [],
        "state": {"user_id": 3},
    }


async def request(monitor: ASGIApp, path: str) -> None:
    said = [{"type": "http.request", "body": b""}]

    async def receive() -> Any:
        return said.pop() if said else await asyncio.Event().wait()

    await monitor(asked(path), receive, send)


async def served_and_joined(app: ASGIApp) -> EventLoopMonitor:
    monitor = EventLoopMonitor(app)
    await request(monitor, "/things/one")
    await asyncio.to_thread(monitor.join)
    return monitor


def made_by_a_library(source: str) -> Any:
    """The ``app`` that it makes by ``recurse``; none of it is of a file."""
    names: dict[str, Any] = {"sleep": time.sleep, "seconds": BLOCK_SECONDS}
    exec("def recurse(left): recurse(left - 1) if left else sleep(seconds)", names)
    exec(source, names)
    return names["app"]


async def stall_of(app: ASGIApp, path: str = "/things/one") -> Place:
    monitor = EventLoopMonitor(app)
    await request(monitor, path)
    place: Place = await wait_until_async(lambda: place_of_the_stall(monitor))
    await asyncio.to_thread(monitor.join)
    return place


def place_of_the_stall(monitor: EventLoopMonitor) -> Place | None:
    stalls = monitor.report.worst
    return next((stall.place for stall in stalls if "block_the_loop" in stall.place.line), None)


@every_loop
@pytest.mark.parametrize("app", [answer, in_a_task])
def test_it_says_route_method_run_and_user(run: Runner, app: ASGIApp) -> None:
    place = run(stall_of(app))
    assert (place.method, place.endpoint, place.route) == ("GET", "/things/{name}", "/things/{name}")
    assert place.user_id == "3"
    assert place.run_id == "run-7"


@every_loop
def test_what_no_request_did_is_named_by_its_task(run: Runner) -> None:
    async def idle(scope: Scope, receive: Receive, send: Send) -> None:
        """The request is long over when the loop is blocked."""
        if scope["type"] == "http":
            asyncio.get_running_loop().call_later(0.05, block_the_loop)

    place = run(stall_of(idle))
    assert (place.method, place.endpoint, place.run_id) == ("", "block_the_loop", None)


@every_loop
def test_a_stream_that_blocks_is_its_requests_fault(run: Runner) -> None:
    place = run(stall_of(mounting, "/streams/one"))
    assert (place.method, place.endpoint, place.user_id) == ("GET", "/streams/{name}", "3")
    assert place.line.endswith("in block_the_loop")


@every_loop
def test_a_task_that_outlives_its_request_is_named_itself(run: Runner) -> None:
    place = run(stall_of(mounting, "/tasks/one"))
    assert (place.method, place.endpoint, place.user_id) == ("", "go_on", None)


@every_loop
def test_a_request_that_asks_another_application_goes_on_being_itself(run: Runner) -> None:
    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        """Another service, watched too, that is asked in this process."""

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await EventLoopMonitor(inner)(asked("/inner"), receive, send)
            await asyncio.create_task(go_on())

    async def go_on() -> None:
        block_the_loop()

    assert run(stall_of(outer)).endpoint == "/things/one"


@every_loop
def test_the_route_of_a_mounted_application_begins_at_the_root(run: Runner) -> None:
    place = run(stall_of(mounting, "/shops/corner/things/one"))
    assert (place.method, place.endpoint) == ("GET", "/shops/{shop}/things/{name}")
    assert place.route == "/things/{name}"


@every_loop
def test_what_only_libraries_do_is_not_the_monitors_line(run: Any) -> None:
    monitor = run(served_and_joined(made_by_a_library("async def app(*_): recurse(0)")))
    assert "<string>:1 in recurse" in {stall.place.line for stall in monitor.report.worst}


@every_loop
def test_the_line_is_found_however_deep_a_library_has_gone_from_there(run: Any) -> None:
    recurse = made_by_a_library("app = recurse")

    async def go_deep(scope: Scope, receive: Receive, send: Send) -> None:
        recurse(DEEP)

    stalls = run(served_and_joined(go_deep)).report.worst
    stall = next(stall for stall in stalls if stall.place.line.endswith("<locals>.go_deep"))
    assert any("recurse(DEEP)" in line for line in stall.stack)


@every_loop
def test_a_stall_right_before_the_join_is_in_the_report(run: Any) -> None:
    assert place_of_the_stall(run(served_and_joined(answer))) is not None


@every_loop
def test_two_loops_in_threads_are_both_watched(run: Any) -> None:
    blocks = threading.Event()

    async def blocking(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/quick":
            return
        blocks.set()
        block_the_loop()

    async def serve_quick() -> None:
        await asyncio.to_thread(blocks.wait)
        await request(monitor, "/quick")

    monitor = EventLoopMonitor(blocking)
    other = threading.Thread(target=lambda: run(serve_quick()))
    other.start()
    run(request(monitor, "/things/one"))
    other.join()
    monitor.join()
    assert place_of_the_stall(monitor) is not None


def test_a_fork_of_a_watched_process_serves_and_is_watched_itself() -> None:
    forked = subprocess.run(
        [sys.executable, forking_app.__file__], capture_output=True, text=True, check=False
    )
    assert (forked.stdout, forked.returncode) == ("child 1\nparent 1\n", 0), forked.stderr


@every_loop
def test_the_end_of_the_watch_gives_its_files_back_though_the_monitor_lives_on(run: Any) -> None:
    """Nobody waits for a garbage collection, which a server has seldom."""
    monitors: list[EventLoopMonitor] = []

    async def begin_and_end() -> None:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "lifespan.startup.complete"})

        async def nothing(*_: Any) -> None:
            await asyncio.sleep(0)

        monitors.append(monitor := EventLoopMonitor(app))
        await monitor({"type": "lifespan"}, nothing, nothing)
        await asyncio.get_running_loop().run_in_executor(None, monitor.join)
        await asyncio.sleep(0.01)

    run(begin_and_end())
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        run(begin_and_end())
    assert len(os.listdir("/proc/self/fd")) <= before
