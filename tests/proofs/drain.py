"""SIGTERM under many readers: each is told its position, and another API gives it exactly the rest.

``python -m tests.proofs.drain`` prints ``drain: streams=N resumed=N seconds=S``; the seconds are those from the signal to the
end of the process.
"""

import asyncio
import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil
from tests.proofs.playing_model import Piece
from tests.proofs.proof_site import ProofSite
from tests.proofs.raw_reader import RawEvent, joined, raw_events, read_rest
from tests.proofs.second_api import second_api
from tests.support.waiting import wait_until_async

STREAMS = 200
PIECES = [Piece(f" piece {number}", 0.1) for number in range(150)]
RECONNECT = 'event: reconnect\ndata: {"position":"%s"}\n\n'
PATIENCE_SECONDS = 5.0


@dataclass(frozen=True)
class DrainReport:
    """How many streams there were, how many were resumed exactly, and how long the process took to end."""

    streams: int
    resumed: int
    seconds: float

    @property
    def line(self) -> str:
        return f"drain: streams={self.streams} resumed={self.resumed} seconds={self.seconds:.1f}"


async def drain(site: ProofSite, elsewhere_url: str, *, streams: int) -> DrainReport:
    """Open the streams on the stack's API in mid-answer, end it, and go on at the other one."""
    run_id, _ = site.ask("drain", PIECES)
    bodies = [bytearray() for _ in range(streams)]
    async with _client(site, site.stack.base_url) as here, _client(site, elsewhere_url) as there:
        reading = [asyncio.create_task(_read_into(here, run_id, body)) for body in bodies]
        await wait_until_async(
            lambda: all(body.count(b"\nid: ") > 5 for body in bodies), what="all readers to read"
        )
        seconds = await _end(site.stack.pids["api"])
        await asyncio.gather(*reading)
        whole = await asyncio.gather(*[_resume(there, run_id, bytes(body)) for body in bodies])
        golden = await read_rest(there, run_id, "0-0")
    return DrainReport(streams, sum(events == golden for events in whole), seconds)


async def _end(pid: int) -> float:
    """Ask the process to end; how long that took. Raises ``TimeoutError`` when it takes too long."""
    process = psutil.Process(pid)
    began = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    await wait_until_async(lambda: _is_gone(process), PATIENCE_SECONDS, what="the end of the API process")
    return time.monotonic() - began


def _is_gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def _read_into(client: httpx2.AsyncClient, run_id: str, body: bytearray) -> None:
    async with client.stream("GET", f"/api/v1/runs/{run_id}/events") as response:
        async for data in response.aiter_raw():
            body += data


async def _resume(client: httpx2.AsyncClient, run_id: str, body: bytes) -> list[RawEvent]:
    """Head and rest; nothing when the server did not say where its reader stood."""
    head = raw_events(body)
    if not body.endswith((RECONNECT % head[-1].position).encode()):
        return []
    rest = await read_rest(client, run_id, head[-1].position)
    assert joined(rest)
    return head + rest


def _client(site: ProofSite, base_url: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        base_url=base_url,
        headers={"authorization": f"Bearer {site.stack.token}"},
        timeout=60,
        limits=httpx2.Limits(max_connections=STREAMS + 8),
    )


def prove_drain(folder: Path, *, streams: int = STREAMS) -> DrainReport:
    """Over two API processes."""
    with ProofSite(folder) as site, second_api(site.stack, folder) as elsewhere:
        return asyncio.run(drain(site, elsewhere.base_url, streams=streams))


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        report = prove_drain(Path(folder))
    print(report.line)
    return 0 if report.resumed == report.streams else 1


if __name__ == "__main__":
    sys.exit(main())
