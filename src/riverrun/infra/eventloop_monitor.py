"""Who blocked the loop? Middleware for any ASGI app, under asyncio and uvloop: a watchdog's thread and what it is told.

app = EventLoopMonitor(app)
...
app.report.document()
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TypeVar

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from riverrun.infra.loop_report import LoopReport, Place
from riverrun.infra.loop_request import SERVED
from riverrun.infra.loop_stack import Call, Seen, blocking_line, callback_name
from riverrun.infra.loop_watchdog import LoopWatchdog
from riverrun.infra.request_metrics import OTHER
from riverrun.infra.request_route import known_route, share_route, template_of

WARN_MS = 100.0
RUN_HEADER = b"x-run-id"
MOST_TO_JOIN = 64

Value = TypeVar("Value")


class EventLoopMonitor:
    """Middleware, the outermost of all. It watches from when the app has started, or from the first request on.

    Several loops, each in a thread of its own, have a watchdog each, and share the report. ``packages`` are the application's: name
    them where it is installed as libraries are, whose lines are told only when no line of the application is on the stack. A task
    that a request began counts as that request until it ends, and then as itself. A callback that is no task counts as itself.

    ``says_server_timing`` adds ``Server-Timing: loop;dur=``: by how many milliseconds the loop's heartbeats came late while
    the request was served, as far as its first byte.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        report: LoopReport | None = None,
        warn_ms: float = WARN_MS,
        packages: Sequence[str] = (),
        says_server_timing: bool = False,
    ) -> None:
        self.report = report or LoopReport()
        self._app = app
        self._warn_seconds = warn_ms / 1_000
        self._packages = tuple(packages)
        self._says_timing = says_server_timing
        self._watchdogs: dict[asyncio.AbstractEventLoop, LoopWatchdog] = {}
        self._to_join: deque[LoopWatchdog] = deque(maxlen=MOST_TO_JOIN)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on. Which request the loop was in is read from its stack, if it ever has to be."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        watchdog = self._watchdogs.get(asyncio.get_running_loop()) or self._watch_this_loop()
        share_route(scope)
        outer = SERVED.get()  # one application may ask another in the same task
        SERVED.set(served := [scope])
        try:
            await self._app(scope, receive, _timed(send, watchdog) if self._says_timing else send)
        finally:
            served.clear()
            SERVED.set(outer)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_and_watch(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                self._watch_this_loop()
            await send(message)

        try:
            await self._app(scope, receive, send_and_watch)
        finally:
            self._stop(asyncio.get_running_loop())

    def _watch_this_loop(self) -> LoopWatchdog:
        loop = asyncio.get_running_loop()
        if (watchdog := self._watchdogs.get(loop)) is None:
            for closed in [other for other in tuple(self._watchdogs) if other.is_closed()]:
                self._stop(closed)
            watchdog = LoopWatchdog(self.report, self._describe, warn_seconds=self._warn_seconds)
            watchdog.start()
            self._watchdogs[loop] = watchdog
        return watchdog

    def _stop(self, loop: asyncio.AbstractEventLoop) -> None:
        if (watchdog := self._watchdogs.pop(loop, None)) is not None:
            watchdog.stop()
            self._to_join.append(watchdog)

    def join(self) -> None:
        """End the watch, and wait until all that was found is in the report. Not on the loop."""
        for loop in tuple(self._watchdogs):
            self._stop(loop)
        for watchdog in tuple(self._to_join):
            watchdog.join()

    def _describe(self, calls: Sequence[Call], stack: Sequence[Seen]) -> Place:
        """In the watchdog's thread. What the calls say comes first: the next moment they may say something else."""
        scopes = [call.scope for call in calls]
        knowing = _first(scope for scope in scopes if known_route(scope)) or _first(scopes)
        if knowing is None:
            return Place(self._line(stack), callback_name(stack))
        template, route = template_of(knowing), known_route(knowing) or OTHER
        run_id = _first(_run_of(call) for call in calls)
        user_id = _first(scope.get("state", {}).get("user_id") for scope in scopes)
        return Place(
            self._line(stack),
            template,
            knowing.get("method", knowing["type"]),
            run_id=run_id,
            user_id=str(user_id) if user_id else None,
            route=route,
        )

    def _line(self, stack: Sequence[Seen]) -> str:
        return blocking_line(stack, self._packages, watcher=__file__)


def _timed(send: Send, watchdog: LoopWatchdog) -> Send:
    """``send`` that says in the response's head how late the loop was."""
    blocked_before = watchdog.blocked_seconds

    async def send_timed(message: Message) -> None:
        if message["type"] == "http.response.start":
            blocked_ms = max(watchdog.blocked_seconds - blocked_before, 0.0) * 1_000
            MutableHeaders(scope=message).append("server-timing", f"loop;dur={blocked_ms:.1f}")
        await send(message)

    return send_timed


def _run_of(call: Call) -> str | None:
    """The one that is asked for, or that the response says it is of."""
    asked: str | None = call.scope.get("path_params", {}).get("run_id")
    said = (value for name, value in getattr(call.owner, "raw_headers", ()) if name == RUN_HEADER)
    return asked or next((value.decode("latin-1") for value in said), None)


def _first(values: Iterable[Value | None]) -> Value | None:
    """The first that is one."""
    return next((value for value in values if value), None)
