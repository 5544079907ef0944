"""Each request has an id, taken from the caller or made here, echoed and known to the log. Pure ASGI."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from riverrun.infra.logs import request_id
from riverrun.kit.ids import new_uuid

HEADER = b"x-request-id"


class RequestContext:
    """Middleware: sets ``request_id`` and answers with ``X-Request-ID``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; only the response's start is touched."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        current = _given_id(scope) or new_uuid().hex

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), (HEADER, current.encode())]}
            await send(message)

        token = request_id.set(current)
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            request_id.reset(token)


def _given_id(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == HEADER:
            given = value.decode("latin-1")
            return given if 0 < len(given) <= 64 and given.isascii() and given.isprintable() else None
    return None
