"""No request body is taken in beyond its limit, before anything else is known of the request. Pure ASGI."""

import asyncio
import contextlib

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from riverrun.infra.problem_handlers import respond
from riverrun.kit.problem import PayloadTooLarge

MAX_BODY_BYTES = 1_048_576
"""The longest question in JSON's widest spelling is a fifth of it."""
MAX_DISCARDED_BYTES = 16 * MAX_BODY_BYTES
DISCARD_SECONDS = 5.0


class BodyLimit:
    """Middleware: answers 413 for a larger body, at its declared length or at the byte that is too many."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a body of the limit on; the application sees a larger one as a client that has gone."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _CountedBody(receive, send)
        if _declared_length(scope) <= MAX_BODY_BYTES:
            await self._app(scope, body.receive, body.send)
            if not body.is_too_large:
                return
        if not body.has_response_started:
            await _discard(receive)
            problem = PayloadTooLarge(f"At most {MAX_BODY_BYTES:,} bytes are taken.")
            await respond(problem, {"connection": "close"})(scope, receive, send)


class _CountedBody:
    """Receives until the limit; from there on what the application still says is dropped."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self.is_too_large = False
        self.has_response_started = False
        self._receive = receive
        self._send = send
        self._received = 0

    async def receive(self) -> Message:
        if self.is_too_large:
            return {"type": "http.disconnect"}
        message = await self._receive()
        self._received += len(message.get("body", b""))
        if self._received > MAX_BODY_BYTES:
            self.is_too_large = True
            return {"type": "http.disconnect"}
        return message

    async def send(self, message: Message) -> None:
        if self.is_too_large and not self.has_response_started:
            return
        self.has_response_started = True
        await self._send(message)


async def _discard(receive: Receive) -> None:
    """Let a client that only sends too much finish, so that it reads our answer instead of a broken line."""
    discarded, is_more = 0, True
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_SECONDS):
            while is_more and discarded < MAX_DISCARDED_BYTES:
                message = await receive()
                discarded += len(message.get("body", b""))
                is_more = message.get("more_body", False)


def _declared_length(scope: Scope) -> int:
    """What ``Content-Length`` says; 0 when it says nothing, or nothing that is a number."""
    given = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return int(given) if given.isdigit() and len(given) < 20 else 0
