"""A low-overhead HTTP/1.1 client: one kept connection, one request at a time, no library between it and the socket."""

import asyncio
import re
import time
from typing import Any, NamedTuple

from bench.http_chunks import Chunks

LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
NO_BODY = {204, 304}
IDLE_SECONDS = 2.0
"""Servers hang up on who is idle for 5 s (uvicorn's default), at times while a request is on its way to them."""


class Answer(NamedTuple):
    """A whole answer."""

    status: int
    body: bytes
    seconds: float


class HttpWire(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._received = bytearray()
        self._status = 0
        self._chunks: Chunks | None = None
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
        try:
            self._take(data)
        except ValueError as error:
            self._fail(f"what the server says is no HTTP/1.1: {error}")
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail("the server hung up")

    def _take(self, data: bytes) -> None:
        if self._chunks is not None:
            self._take_chunks(self._chunks, data)
            return
        self._received += data
        head_end = self._received.find(b"\r\n\r\n")
        if head_end < 0 or self._waiting is None or self._waiting.done():
            return
        head, body = bytes(self._received[:head_end]), bytes(self._received[head_end + 4 :])
        self._status = int(head[9:12])
        length = LENGTH.search(head)
        if self._status in NO_BODY:
            self._finish(b"")
        elif CHUNKED.search(head):
            self._chunks = Chunks()
            self._take_chunks(self._chunks, body)
        elif length and len(body) >= int(length[1]):
            self._finish(body)

    def _take_chunks(self, chunks: Chunks, data: bytes) -> None:
        if chunks.feed(data):
            self._finish(bytes(chunks.body))

    def _fail(self, words: str) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionError(words))

    def _finish(self, body: bytes) -> None:
        self._received.clear()
        self._chunks = None
        self._used_at = time.monotonic()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result((self._status, body))


async def open_wire(host: str, port: int) -> HttpWire:
    """A connection.

    Raises:
        ConnectionError: nobody listens there.
    """
    try:
        _, wire = await asyncio.get_running_loop().create_connection(HttpWire, host, port)
    except OSError as error:
        raise ConnectionError(f"nobody listens at {host}:{port} ({error.strerror or error})") from error
    return wire
