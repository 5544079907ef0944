"""Middleware that counts each answer, with its route and how long its first byte took. Pure ASGI."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from riverrun.infra.request_metrics import ERROR, RequestMetrics
from riverrun.infra.request_route import known_route, share_route


class RequestCounter:
    """Outside of all that answers. Written down in ``metrics``."""

    def __init__(self, app: ASGIApp, *, metrics: RequestMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on. The first answer is the one that was sent; none, but an error, is one that others say."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        share_route(scope)
        metrics, began, is_answered = self._metrics, time.perf_counter(), False

        def note(status: int) -> None:
            nonlocal is_answered
            if not is_answered:
                is_answered = True
                seconds = time.perf_counter() - began
                metrics.note(scope.get("method", scope["type"]), known_route(scope), status, seconds)

        async def send_and_note(message: Message) -> None:
            if message["type"] == "http.response.start":
                note(message["status"])
            await send(message)

        metrics.in_progress += 1
        try:
            await self._app(scope, receive, send_and_note)
        except Exception:
            note(ERROR)
            raise
        finally:
            metrics.in_progress -= 1
