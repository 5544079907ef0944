"""What the monitor says of the request that blocked the loop, whatever stands between the two."""

import asyncio
import os
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.support.waiting import wait_until_async

from riverrun.infra.eventloop_monitor import EventLoopMonitor
from riverrun.infra.loop_report import Place

BLOCK_SECONDS = 0.3

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


async def stall_of(app: ASGIApp) -> Place:
    monitor = EventLoopMonitor(app)

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(_: Any) -> None:
        await asyncio.sleep(0)

    scope = {"type": "http", "method": "GET", "path": "/things/one", "state": {"user_id": 3}}
    await monitor(scope, receive, send)
    place: Place = await wait_until_async(lambda: place_of_the_stall(monitor))
    await monitor({"type": "lifespan"}, receive, send)  # its end is the watch's
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
