"""What the monitor says of the request that blocked the loop, whatever stands between the two."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop
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
    """Finds out in a scope of its own what the request is, and blocks the loop in the middle of its answer."""
    scope = {**scope, "path_params": {"name": "one"}, "route": Route()}
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-run-id", b"run-7")]})
    await respond(scope, receive, send)


async def respond(scope: Scope, receive: Receive, send: Send) -> None:
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
    await wait_until_async(lambda: monitor.report.stalls)
    monitor._stop()
    return next(stall.place for stall in monitor.report.worst if "block_the_loop" in stall.place.line)


@every_loop
@pytest.mark.parametrize("app", [answer, in_a_task])
def test_it_says_route_method_run_and_user(run: Runner, app: ASGIApp) -> None:
    place = run(stall_of(app))
    assert (place.method, place.endpoint, place.route) == ("GET", "/things/{name}", "/things/{name}")
    assert place.user_id == "3"
    # The answer's head says whose run it is, to the scope that the monitor was called with; another task knows only copies.
    assert place.run_id == ("run-7" if app is answer else None)


@every_loop
def test_what_no_request_did_is_named_by_its_task(run: Runner) -> None:
    async def idle(scope: Scope, receive: Receive, send: Send) -> None:
        """The request is long over when the loop is blocked."""
        asyncio.get_running_loop().call_later(0.05, block_the_loop)

    place = run(stall_of(idle))
    assert (place.method, place.endpoint, place.run_id) == ("", "block_the_loop", None)
