"""A program with thousands of readers of streams: bare sockets, no HTTP library, one clock reading a chunk.

Commands: ``connect {group, host, port, token, run_ids, cursor?}``, ``heard {group, total}``, ``collect {group}``,
``finish {group}``, ``close {group}``, ``cpu``. Times are monotonic, so they compare with those in the texts.
"""

import asyncio
import hashlib
import json
import re
import resource
import time
from collections.abc import Iterator
from typing import Any

import uvloop

from bench.command_lines import Answer, serve_commands
from bench.figures import percentile

AT_ONCE = 64
"""How many connections are being made at the same time."""
PATIENCE_SECONDS = 60.0
SENT = re.compile(rb'"text":"([0-9]+) ')
TEXT = re.compile(rb'"text":"((?:[^"\\]|\\.)*)"')
SEQ = re.compile(rb"id: [0-9]+-([0-9]+)\n")
CHECKSUM = re.compile(rb'"text_sha256":"([0-9a-f]{64})"')
IS_END = b"event: end\n"


class Reader(asyncio.Protocol):
    """One stream. While it runs only bytes and the moments of their arrival are kept; they are read afterwards."""

    def __init__(self, request: bytes) -> None:
        loop = asyncio.get_running_loop()
        self.answered: asyncio.Future[None] = loop.create_future()
        self.is_over: asyncio.Future[None] = loop.create_future()
        self.events = 0
        self.last_event_ns = 0
        self._request = request
        self._transport: Any = None
        self._status = b""
        self._arrivals: list[tuple[int, bytes]] = []
        self._rest = b""
        self._frames: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        self._arrivals.append((now, data))
        if not self.answered.done():
            self._answer(data)
        if (count := data.count(b"\ndata: ")) != 0:
            self.events += count
            self.last_event_ns = now
            if IS_END in data and not self.is_over.done():
                self.is_over.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        for future in (self.answered, self.is_over):
            if not future.done():
                future.set_exception(ConnectionError(f"hung up after {self._status or b'nothing'!r}"))
                future.exception()

    def take_delays_ns(self) -> list[int]:
        """From just before each event's append to the wake-up that brought its last byte; forgets the arrivals."""
        return [now - int(sent) for now, frame in self._take_frames() for sent in SENT.findall(frame)]

    def is_exact(self) -> bool:
        """Whether all that ever came is dense, each once, and has the checksum that the end names."""
        for _ in self._take_frames():
            pass
        body = b"\n".join(self._frames)
        seqs = [int(found) for found in SEQ.findall(body)]
        text = "".join(json.loads(b'"' + found + b'"') for found in TEXT.findall(body))
        checksum = CHECKSUM.search(body)
        return (
            seqs == list(range(1, len(seqs) + 1))
            and checksum is not None
            and checksum[1].decode() == hashlib.sha256(text.encode()).hexdigest()
        )

    def is_dense_after(self, seq: int) -> bool:
        """Whether all that came goes on from ``seq`` without a hole and without a double."""
        for _ in self._take_frames():
            pass
        seqs = [int(found) for found in SEQ.findall(b"\n".join(self._frames))]
        return seqs == list(range(seq + 1, seq + 1 + len(seqs)))

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    def _answer(self, data: bytes) -> None:
        self._status = data.partition(b"\r\n")[0]
        if b" 200 " in self._status:
            self.answered.set_result(None)
        else:
            self.answered.set_exception(ConnectionError(self._status.decode()))

    def _take_frames(self) -> Iterator[tuple[int, bytes]]:
        """Whole frames since the last time, each with the moment at which its last byte came."""
        arrivals, self._arrivals = self._arrivals, []
        for now, data in arrivals:
            *frames, self._rest = (self._rest + data).split(b"\n\n")
            for frame in frames:
                self._frames.append(frame)
                yield now, frame


class Groups:
    """All readers of the program, by the name under which they were connected."""

    def __init__(self) -> None:
        self._groups: dict[str, list[Reader]] = {}

    def find(self, command: str) -> Answer:
        """The method that performs a command."""
        method: Answer = getattr(self, command)
        return method

    async def connect(
        self, group: str, host: str, port: int, token: str, run_ids: list[str], cursor: str = "0-0"
    ) -> dict[str, Any]:
        """Open a stream for each id and wait until each was answered; ``began_ns`` and how long it took."""
        gate = asyncio.Semaphore(AT_ONCE)
        began_ns = time.monotonic_ns()

        async def open_one(run_id: str) -> Reader:
            reader = Reader(request_of(host, token, run_id, cursor))
            async with gate:
                await asyncio.get_running_loop().create_connection(lambda: reader, host, port)
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await reader.answered
            return reader

        self._groups.setdefault(group, []).extend(await asyncio.gather(*map(open_one, run_ids)))
        return {"began_ns": began_ns, "seconds": (time.monotonic_ns() - began_ns) / 1e9}

    async def heard(self, group: str, total: int) -> dict[str, Any]:
        """Wait until the readers have had so many events together; the moment at which the last one came."""
        readers = self._groups[group]
        async with asyncio.timeout(PATIENCE_SECONDS):
            while sum(reader.events for reader in readers) < total:  # noqa: ASYNC110  # an event each would cost what is measured
                await asyncio.sleep(0.005)
        return {"level_ns": max(reader.last_event_ns for reader in readers)}

    async def collect(self, group: str) -> dict[str, Any]:
        """The delays of all texts since the last time."""
        delays = [delay for reader in self._groups[group] for delay in reader.take_delays_ns()]
        told: dict[str, Any] = {"events": len(delays)}
        if delays:
            told |= {f"p{percent}_ms": percentile(delays, percent) / 1e6 for percent in (50, 95, 99)}
            told["max_ms"] = max(delays) / 1e6
        return told

    async def finish(self, group: str) -> dict[str, Any]:
        """Wait for all ends; how many readers had exactly what was said."""
        readers = self._groups[group]
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.gather(*(reader.is_over for reader in readers))
        return {"readers": len(readers), "exact": sum(reader.is_exact() for reader in readers)}

    async def dense(self, group: str, after: int) -> dict[str, Any]:
        """How many readers had all events after ``after`` in order, each once."""
        readers = self._groups[group]
        return {"readers": len(readers), "exact": sum(reader.is_dense_after(after) for reader in readers)}

    async def close(self, group: str) -> int:
        """Hang up; how many there were."""
        readers = self._groups.pop(group, [])
        for reader in readers:
            reader.close()
        return len(readers)

    async def cpu(self) -> float:
        """The CPU seconds that the readers themselves have used."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        return used.ru_utime + used.ru_stime


def request_of(host: str, token: str, run_id: str, cursor: str) -> bytes:
    """The stream's request as bytes."""
    return (
        f"GET /api/v1/runs/{run_id}/events?cursor={cursor} HTTP/1.1\r\n"
        f"Host: {host}\r\nAuthorization: Bearer {token}\r\n\r\n"
    ).encode()


if __name__ == "__main__":
    uvloop.run(serve_commands(Groups().find))
