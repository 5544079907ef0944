"""Who blocked the loop? Middleware for any ASGI app, under asyncio and uvloop: a watchdog's thread and what it is told.

app = EventLoopMonitor(app)
...
app.report.document()
"""

import asyncio
import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from riverrun.infra.loop_report import LoopReport, Place
from riverrun.infra.loop_stack import Seen, blocking_line
from riverrun.infra.loop_watchdog import LoopWatchdog
from riverrun.infra.request_metrics import ERROR, OTHER, RequestMetrics, known_route

WARN_MS = 100.0
RUN_HEADER = b"x-run-id"
SERVED = "riverrun.served"
BODY = "http.response.body"


class EventLoopMonitor:
    """Middleware, the outermost of all. It watches from when the app has started, or from the first request on.

    ``says_server_timing`` adds ``Server-Timing: loop;dur=``: how many milliseconds the loop was blocked while the request
    was served, as far as its first byte. Each answer is counted in ``requests``.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        report: LoopReport | None = None,
        warn_ms: float = WARN_MS,
        says_server_timing: bool = False,
        requests: RequestMetrics | None = None,
    ) -> None:
        self.report = report or LoopReport()
        self.requests = requests or RequestMetrics()
        self._app = app
        self._warn_seconds = warn_ms / 1_000
        self._says_server_timing = says_server_timing
        self._watchdog: LoopWatchdog | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._served: dict[int, Served] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, and know meanwhile which task serves what."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        watchdog = self._watchdog_of_this_loop()
        task_id = id(asyncio.current_task())
        outer = self._served.get(task_id)
        served = scope[SERVED] = self._served[task_id] = Served(scope)
        self.requests.in_progress += 1
        try:
            await self._app(scope, receive, self._told(served, send, watchdog))
        except Exception:
            self._note_answer(served, ERROR)  # what is around us says it
            raise
        finally:
            self.requests.in_progress -= 1
            if outer is None:
                del self._served[task_id]
            else:
                self._served[task_id] = outer

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_and_watch(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                self._watchdog_of_this_loop()
            await send(message)

        try:
            await self._app(scope, receive, send_and_watch)
        finally:
            self._stop()

    def _watchdog_of_this_loop(self) -> LoopWatchdog:
        loop = asyncio.get_running_loop()
        if self._watchdog is None or self._loop is not loop:
            self._stop()
            self._loop = loop
            self._watchdog = LoopWatchdog(self.report, self._describe, warn_seconds=self._warn_seconds)
            self._watchdog.start()
        return self._watchdog

    def _stop(self) -> None:
        self._loop = None
        if self._watchdog is not None:
            self._watchdog.stop()

    def join(self) -> None:
        """End the watch, and wait until all that was found is in the report. Not on the loop."""
        self._stop()
        if self._watchdog is not None:
            self._watchdog.join()

    def _told(self, served: "Served", send: Send, watchdog: LoopWatchdog) -> Send:
        """``send`` that learns the run's id from the response, and adds the timing if that is wanted."""
        blocked_before = watchdog.blocked_seconds if self._says_server_timing else 0.0

        async def send_and_tell(message: Message) -> None:
            if message["type"] == BODY:
                served.is_complete = not message.get("more_body")
            elif message["type"] == "http.response.start":
                served.run_id = _header(message, RUN_HEADER)
                self._note_answer(served, message["status"])
                if self._says_server_timing:
                    blocked_ms = (watchdog.blocked_seconds - blocked_before) * 1_000
                    MutableHeaders(scope=message).append("server-timing", f"loop;dur={blocked_ms:.1f}")
            await send(message)

        return send_and_tell

    def _note_answer(self, served: "Served", status: int) -> None:
        """Once for each request: the first answer is the one that was sent."""
        if not served.is_answered:
            served.is_answered = True
            seconds = time.perf_counter() - served.began
            self.requests.note(served.method, served.route, status, seconds)

    def _describe(self, task_id: int | None, stack: tuple[Seen, ...]) -> Place:
        """In the watchdog's thread. Whom the task serves comes first: the next moment it may be another."""
        served = self._served.get(task_id) if task_id is not None else None
        line = blocking_line(stack)
        if served is None:
            return Place(line, stack[-1].code.co_qualname if stack else "")
        scope = served.scope
        parameters = scope.get("path_params", {})
        user_id = scope.get("state", {}).get("user_id")
        return Place(
            line,
            template_of(scope),
            scope.get("method", scope["type"]),
            run_id=served.run_id or parameters.get("run_id"),
            user_id=str(user_id) if user_id else None,
            route=served.route or OTHER,
        )


class Served:
    """A request under way. ``scope`` is the outermost one until ``RouteTeller`` knows better."""

    __slots__ = ("_left_route", "began", "is_answered", "is_complete", "method", "run_id", "scope")

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.method: str = scope.get("method", scope["type"])
        self.run_id: str | None = None
        self.began = time.perf_counter()
        self.is_answered = False
        self.is_complete = False
        """The last byte is sent: what serves it does not go on when the framework is done."""
        self._left_route: str | None = None

    @property
    def route(self) -> str | None:
        """The route's template, none while it is not known, or when the path has none."""
        return self._left_route or known_route(self.scope)

    def leave(self, scope: Scope) -> None:
        """The framework is done with the request. Of its scope no more is kept than the monitor needs."""
        self._left_route = known_route(scope)
        kept = {name: scope[name] for name in ("type", "method", "path_params", "state") if name in scope}
        self.scope = {**kept, "path": template_of(scope)}


class RouteTeller:
    """Middleware, the innermost of all, for apps with middleware that hands on a copy of the scope: tells the monitor the route."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""
        served: Served | None = scope.get(SERVED)
        if served is None:
            await self._app(scope, receive, send)
            return
        served.scope = scope
        try:
            await self._app(scope, receive, send)
        finally:
            if not served.is_complete:
                served.leave(scope)


def template_of(scope: Scope) -> str:
    """The route with its parameters' names; FastAPI knows it, and else it is put together out of the path."""
    if known := known_route(scope):
        return known
    path: str = scope.get("path", "")
    for name, value in scope.get("path_params", {}).items():
        path = path.replace(f"/{value}", f"/{{{name}}}", 1)
    return path


def _header(message: Message, wanted: bytes) -> str | None:
    for name, value in message.get("headers", ()):
        if name == wanted:
            found: str = value.decode("latin-1")
            return found
    return None
