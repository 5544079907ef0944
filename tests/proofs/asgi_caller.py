"""Requests to an application without a socket between: any bytes, thousands a minute, left when the caller likes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from fastapi import FastAPI

Header = tuple[bytes, bytes]


@dataclass
class AsgiAnswer:
    """What the application sent. Status 500 when it sent nothing but an exception."""

    status: int = 500
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""


class AsgiCaller:
    """Calls an application whose lifespan has begun, as a server would after it read a request's head."""

    def __init__(self, app: FastAPI, state: dict[str, Any]) -> None:
        self._app = app
        self._state = state

    async def get(
        self, path: str, query: bytes = b"", headers: Sequence[Header] = (), *, leaves_early: bool = False
    ) -> AsgiAnswer:
        """A GET to its end; ``leaves_early`` hangs up after the first bytes of the body."""
        answer, gone = AsgiAnswer(), asyncio.Event()

        async def receive() -> dict[str, Any]:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = dict(message["headers"])
                return
            answer.body += message.get("body", b"")
            if leaves_early or not message.get("more_body"):
                gone.set()

        with contextlib.suppress(Exception):
            await self._app(self._scope(path, query, headers), receive, send)
        return answer

    def _scope(self, path: str, query: bytes, headers: Sequence[Header]) -> dict[str, Any]:
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query,
            "headers": [(b"host", b"127.0.0.1"), *headers],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "state": self._state.copy(),
            "extensions": {},
        }


@contextlib.asynccontextmanager
async def calling(app: FastAPI) -> AsyncIterator[AsgiCaller]:
    """A caller while the application's lifespan lasts."""
    async with app.router.lifespan_context(app) as state:
        yield AsgiCaller(app, dict(state or {}))
