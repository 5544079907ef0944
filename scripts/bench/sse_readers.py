"""Many readers of runs in one cheap process: bare sockets, no HTTP library, one clock reading a chunk.

Reads its job from standard input, ``{host, port, token, run_ids}`` (a reader for each id, which may repeat), says
``ready`` once each has had an event, and prints what they saw when all have had their end.
"""

import asyncio
import hashlib
import json
import re
import sys
import time
from collections.abc import Iterator

SENT = re.compile(rb'"text":"[0-9]+ ([0-9]+)')
TEXT = re.compile(rb'"text":"((?:[^"\\]|\\.)*)"')
CHECKSUM = re.compile(rb'"text_sha256":"([0-9a-f]{64})"')
LAST_CHUNK = b"\r\n0\r\n\r\n"
"""How HTTP says that the body is over."""


class Reader(asyncio.Protocol):
    """One stream. While it runs only the bytes and the moments of their arrival are kept; they are read afterwards."""

    def __init__(self, host: str, token: str, run_id: str) -> None:
        loop = asyncio.get_running_loop()
        self.had_an_event: asyncio.Future[None] = loop.create_future()
        self.is_over: asyncio.Future[None] = loop.create_future()
        self._request = (
            f"GET /api/v1/runs/{run_id}/events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n"
        ).encode()
        self._arrivals: list[tuple[int, bytes]] = []
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(self._request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._arrivals.append((time.monotonic_ns(), data))
        if not self.had_an_event.done() and b"event: " in data:
            self.had_an_event.set_result(None)
        self._tail = (self._tail + data)[-len(LAST_CHUNK) :]
        if self._tail == LAST_CHUNK:
            self.is_over.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        for future in (self.had_an_event, self.is_over):
            if not future.done():
                future.set_result(None)

    def delays_ns(self) -> list[int]:
        """From just before each event was appended to the wake-up that brought it here."""
        return [now - int(sent) for now, frame in self._frames() for sent in SENT.findall(frame)]

    def is_exact(self) -> bool:
        """Whether the joined text has the checksum that the end names."""
        body = b"".join(frame for _, frame in self._frames())
        text = "".join(json.loads(b'"' + found + b'"') for found in TEXT.findall(body))
        checksum = CHECKSUM.search(body)
        return checksum is not None and checksum[1].decode() == hashlib.sha256(text.encode()).hexdigest()

    def _frames(self) -> Iterator[tuple[int, bytes]]:
        """Whole frames, each with the moment at which its last byte came."""
        rest = b""
        for now, data in self._arrivals:
            *frames, rest = (rest + data).split(b"\n\n")
            yield from ((now, frame) for frame in frames)


async def main() -> None:
    """Connect all, say ``ready``, wait for all ends, tell."""
    job = json.loads(sys.stdin.readline())
    loop = asyncio.get_running_loop()
    readers = [Reader(job["host"], job["token"], run_id) for run_id in job["run_ids"]]
    for reader in readers:
        await loop.create_connection(lambda reader=reader: reader, job["host"], job["port"])  # type: ignore[misc]
    await asyncio.gather(*(reader.had_an_event for reader in readers))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.gather(*(reader.is_over for reader in readers))
    told = {
        "exact": sum(reader.is_exact() for reader in readers),
        "delays_ns": [delay for reader in readers for delay in reader.delays_ns()],
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
