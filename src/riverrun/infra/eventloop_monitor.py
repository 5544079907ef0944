"""Who blocked the loop? Middleware for any ASGI app, under asyncio and uvloop: a watchdog's thread and what it is told.

app = EventLoopMonitor(app)
...
app.report.document()
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import TypeVar

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from riverrun.infra.loop_report import LoopReport, Place
from riverrun.infra.loop_stack import Call, Seen, blocking_line, callback_name
from riverrun.infra.loop_watchdog import LoopWatchdog
from riverrun.infra.request_metrics import OTHER
from riverrun.infra.request_route import known_route, template_of

WARN_MS = 100.0
RUN_HEADER = b"x-run-id"

Value = TypeVar("Value")


class EventLoopMonitor:
    """Middleware, the outermost of all. It watches from when the app has started, or from the first request on.

    ``says_server_timing`` adds ``Server-Timing: loop;dur=``: by how many milliseconds the loop's heartbeats came late while
    the request was served, as far as its first byte.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        report: LoopReport | None = None,
        warn_ms: float = WARN_MS,
        says_server_timing: bool = False,
    ) -> None:
        self.report = report or LoopReport()
        self._app = app
        self._warn_seconds = warn_ms / 1_000
        self._says_timing = says_server_timing
        self._watchdog: LoopWatchdog | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on. Which request the loop was in is read from its stack, if it ever has to be."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        if self._loop is not asyncio.get_running_loop():
            self._watch_this_loop()
        await self._app(scope, receive, self._timed(send) if self._says_timing else send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_and_watch(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                self._watch_this_loop()
            await send(message)

        try:
            await self._app(scope, receive, send_and_watch)
        finally:
            self._stop()

    def _watch_this_loop(self) -> None:
        if self._loop is not (loop := asyncio.get_running_loop()):
            self._stop()
            self._loop = loop
            self._watchdog = LoopWatchdog(self.report, self._describe, warn_seconds=self._warn_seconds)
            self._watchdog.start()

    def _stop(self) -> None:
        self._loop = None
        if self._watchdog is not None:
            self._watchdog.stop()

    def join(self) -> None:
        """End the watch, and wait until all that was found is in the report. Not on the loop."""
        self._stop()
        if self._watchdog is not None:
            self._watchdog.join()

    def _timed(self, send: Send) -> Send:
        """``send`` that says in the response's head how late the loop was."""
        watchdog = self._watchdog
        assert watchdog is not None
        blocked_before = watchdog.blocked_seconds

        async def send_timed(message: Message) -> None:
            if message["type"] == "http.response.start":
                blocked_ms = max(watchdog.blocked_seconds - blocked_before, 0.0) * 1_000
                MutableHeaders(scope=message).append("server-timing", f"loop;dur={blocked_ms:.1f}")
            await send(message)

        return send_timed

    def _describe(self, calls: Sequence[Call], stack: Sequence[Seen]) -> Place:
        """In the watchdog's thread. What the calls say comes first: the next moment they may say something else."""
        if not calls:
            return Place(blocking_line(stack), callback_name(stack))
        innermost = calls[0].scope
        route = _first(known_route(call.scope) for call in calls)
        template = route or template_of(innermost)
        run_id = _first(_run_of(call) for call in calls)
        user_id = _first(call.scope.get("state", {}).get("user_id") for call in calls)
        return Place(
            blocking_line(stack),
            template,
            innermost.get("method", innermost["type"]),
            run_id=run_id,
            user_id=str(user_id) if user_id else None,
            route=route or OTHER,
        )


def _run_of(call: Call) -> str | None:
    """The one that is asked for, or that the response says it is of."""
    asked: str | None = call.scope.get("path_params", {}).get("run_id")
    said = (value for name, value in getattr(call.owner, "raw_headers", ()) if name == RUN_HEADER)
    return asked or next((value.decode("latin-1") for value in said), None)


def _first(values: Iterable[Value | None]) -> Value | None:
    """The first that is one."""
    return next((value for value in values if value), None)
