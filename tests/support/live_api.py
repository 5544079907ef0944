"""The real application behind real sockets, in the test's own loop, with a client that holds a token."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import httpx2
import uvicorn
from fastapi import FastAPI

from riverrun.infra.settings import Settings
from riverrun.main import DrainingServer, create_app


@contextlib.asynccontextmanager
async def serving(settings: Settings, app: FastAPI | None = None) -> AsyncIterator[str]:
    """The application's address while it serves; ``app`` is one that was made of these settings already."""
    app = app or create_app(settings)
    # Named TCP, else asyncio leaves Nagle's algorithm on, and every answer over a kept connection takes 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app,
            log_config=None,
            loop="none",
            http="httptools",
            proxy_headers=False,
            timeout_graceful_shutdown=2,
        )
        server = DrainingServer(config, app)
        task = asyncio.create_task(server._serve([listener]))
        while not server.started:
            if task.done():
                await task
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


def client_of(base_url: str, token: str | None = None) -> httpx2.AsyncClient:
    """A client that is signed in by ``token``."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx2.AsyncClient(base_url=base_url, headers=headers, timeout=20)


async def read_sse(
    client: httpx2.AsyncClient, path: str, headers: dict[str, str] | None = None
) -> list[tuple[str, str, str]]:
    """All events of a stream as ``(id, type, data)``, to its close."""
    async with client.stream("GET", path, headers=headers or {}) as response:
        if response.status_code == 204:
            return []
        response.raise_for_status()
        return events_of((await response.aread()).decode())


def events_of(body: str) -> list[tuple[str, str, str]]:
    """Server-sent events of a body; comments and ``retry`` fields are left out."""
    events = []
    for block in body.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in block.splitlines() if line and not line.startswith((":", "retry"))
        )
        if fields:
            events.append((fields.get("id", ""), fields["event"], fields["data"]))
    return events
