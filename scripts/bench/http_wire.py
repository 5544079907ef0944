"""A low-overhead HTTP/1.1 client: one kept connection, one request at a time, no library between it and the socket."""

import asyncio
import re
import time
from typing import Any, NamedTuple

LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
NO_BODY = {204, 304}
LAST_CHUNK = b"\r\n0\r\n\r\n"
IDLE_SECONDS = 2.0
"""Servers hang up on who is idle for 5 s (uvicorn's default), at times while a request is on its way to them."""


class Answer(NamedTuple):
    """A whole answer. The body of a chunked one is left in its chunks."""

    status: int
    body: bytes
    seconds: float


class HttpWire(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._received = bytearray()
        self._waiting: asyncio.Future[tuple[int, bytes]] | None = None
        self._used_at = time.monotonic()

    @property
    def is_open(self) -> bool:
        """Whether the server has not hung up meanwhile, and will not before it has read another request."""
        return not self._transport.is_closing() and time.monotonic() - self._used_at < IDLE_SECONDS

    async def ask(self, request: bytes, *, timeout_seconds: float = 30.0) -> Answer:
        """Send a request and await its whole answer; seconds from the first byte out to the last byte in.

        Raises:
            ConnectionError: the server hung up.
            TimeoutError: it was silent for too long.
        """
        if self._transport.is_closing():
            raise ConnectionError("the server has hung up")
        self._waiting = asyncio.get_running_loop().create_future()
        began = time.perf_counter()
        self._transport.write(request)
        async with asyncio.timeout(timeout_seconds):
            status, body = await self._waiting
        return Answer(status, body, time.perf_counter() - began)

    def close(self) -> None:
        """Hang up."""
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head_end = self._received.find(b"\r\n\r\n")
        if head_end < 0 or self._waiting is None or self._waiting.done():
            return
        head, body = bytes(self._received[:head_end]), self._received[head_end + 4 :]
        status = int(head[9:12])
        length = LENGTH.search(head)
        if (
            status in NO_BODY
            or (length and len(body) >= int(length[1]))
            or (CHUNKED.search(head) and self._received.endswith(LAST_CHUNK))
        ):
            self._finish(status, bytes(body))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionError("the server hung up"))

    def _finish(self, status: int, body: bytes) -> None:
        self._received.clear()
        self._used_at = time.monotonic()
        assert self._waiting is not None
        self._waiting.set_result((status, body))


async def open_wire(host: str, port: int) -> HttpWire:
    """A connection."""
    _, wire = await asyncio.get_running_loop().create_connection(HttpWire, host, port)
    return wire
