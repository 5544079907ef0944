"""Many readers of runs in one cheap process: bare sockets, no HTTP library, one clock reading a wake-up.

Reads its job from standard input, ``{host, port, token, run_ids}`` (a reader for each id, which may repeat), says
``ready`` once each has had an event, and prints what they saw when all have had their end.
"""

import asyncio
import hashlib
import json
import re
import sys
import time

FIELD = re.compile(rb'"text":"[0-9]+ ([0-9]+)')
TEXT = re.compile(rb'"text":"((?:[^"\\]|\\.)*)"')
CHECKSUM = re.compile(rb'"text_sha256":"([0-9a-f]{64})"')


class Reader(asyncio.Protocol):
    """One stream. ``delays_ns`` is from just before an event was appended to the wake-up that brought it here."""

    def __init__(self, host: str, token: str, run_id: str) -> None:
        loop = asyncio.get_running_loop()
        self.had_an_event: asyncio.Future[None] = loop.create_future()
        self.is_over: asyncio.Future[None] = loop.create_future()
        self.delays_ns: list[int] = []
        self.is_exact = False
        self._request = (
            f"GET /api/v1/runs/{run_id}/events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n"
        ).encode()
        self._rest = b""
        self._joined = hashlib.sha256()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(self._request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        *frames, self._rest = (self._rest + data).split(b"\n\n")
        for frame in frames:
            self._take(frame, now)

    def connection_lost(self, error: Exception | None) -> None:
        for future in (self.had_an_event, self.is_over):
            if not future.done():
                future.set_result(None)

    def _take(self, frame: bytes, now: int) -> None:
        if b"event: " not in frame:
            return
        if not self.had_an_event.done():
            self.had_an_event.set_result(None)
        if text := TEXT.search(frame):
            self._joined.update(json.loads(b'"' + text[1] + b'"').encode())
            if sent := FIELD.search(frame):
                self.delays_ns.append(now - int(sent[1]))
        elif checksum := CHECKSUM.search(frame):
            self.is_exact = checksum[1].decode() == self._joined.hexdigest()
            self.is_over.set_result(None)


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
        "exact": sum(reader.is_exact for reader in readers),
        "delays_ns": [delay for reader in readers for delay in reader.delays_ns],
        "cpu_seconds": time.process_time(),
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
