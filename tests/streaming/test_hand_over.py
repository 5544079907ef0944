"""Streams that leave the framework: by real ASGI calls through FastAPI."""

import inspect
from typing import Any

from fastapi import FastAPI, Response
from starlette.types import Receive, Scope, Send

from riverrun.streaming.hand_over import HandOver, hand_over


class Told(Response):
    """A response that notes from how deep in the framework it sends."""

    def __init__(self, depths: list[int]) -> None:
        super().__init__()
        self._depths = depths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not hand_over(self._send, scope):
            await self._send(scope, receive, send)

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._depths.append(len(inspect.stack(0)))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"all of it"})


async def test_a_handed_over_response_is_sent_from_outside_the_framework() -> None:
    depths: list[int] = []
    inside, handed_over = app_of(depths), app_of(depths)
    handed_over.add_middleware(HandOver)
    assert await body_of(inside) == await body_of(handed_over) == b"all of it"
    assert depths[1] < depths[0] - 8


async def test_other_responses_pass_through_untouched() -> None:
    app = app_of([])
    app.add_middleware(HandOver)
    assert await body_of(app, "/plain") == b'"as ever"'


def app_of(depths: list[int]) -> FastAPI:
    """One route that may leave, one that does not."""
    app = FastAPI()

    @app.get("/", response_class=Response)
    async def leave() -> Response:
        return Told(depths)

    @app.get("/plain")
    async def stay() -> str:
        return "as ever"

    return app


async def body_of(app: FastAPI, path: str = "/") -> bytes:
    """The body of one request, without a server in between."""
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
        "server": ("test", 80),
        "client": ("test", 1),
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return b"".join(message.get("body", b"") for message in sent)
