"""Readers that come and go: nothing of them may stay behind.

``python -m tests.proofs.leaks`` opens and cuts 10,000 streams of a real server, over real sockets, at any moment from before the
answer's head to the middle of an event. Last line: ``leaks: cycles=N leaked=0``.
"""

import argparse
import asyncio
import contextlib
import gc
import random
import socket
import struct
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psutil
import redis
from fastapi import FastAPI
from sqlalchemy import Engine
from tests.proofs.own_servers import own_servers
from tests.support.live_api import serving
from tests.support.stories import make_run, make_user
from tests.support.waiting import wait_until_async

from riverrun.auth.sign_in import issue_bearer_token
from riverrun.infra.settings import Settings
from riverrun.main import create_app

AT_ONCE = 20
RUNS = 30
WARM_UP = 300
"""After so many cycles the pools are as large as they get."""
WARM_UP_SHARE = 0.5
"""Of the measured cycles: until then the allocator's high-water mark still rises. Over 24,000 cycles without a pause the
process had 124, 133, 138 and 139 MiB, and as many objects at the end as at the beginning."""
ALLOWED_GROWTH_BYTES = 8 * 2**20
"""Of memory: what an allocator keeps for later; 10,000 leaked streams would be ten times that."""
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Holdings:
    """What the process and its servers hold for it."""

    tasks: int
    readers: int
    topics: int
    channels: int
    pub_sub_connections: int
    database_checkouts: int
    client_connections: int
    descriptors: int
    """Without those of connections: the pools keep theirs."""
    memory_bytes: int


@dataclass(frozen=True)
class LeakReport:
    """What was held before and after the cycles."""

    cycles: int
    before: Holdings
    after: Holdings

    @property
    def leaks(self) -> dict[str, int]:
        """By how much each holding grew beyond what may be."""
        before, after = asdict(self.before), asdict(self.after)
        growth = {name: after[name] - before[name] for name in before}
        growth["memory_bytes"] = max(0, growth["memory_bytes"] - ALLOWED_GROWTH_BYTES)
        return {name: number for name, number in growth.items() if number > 0}

    @property
    def line(self) -> str:
        return f"leaks: cycles={self.cycles} leaked={len(self.leaks)}"


class Visitors:
    """Clients that ask for a stream over a socket of their own, take some bytes of it, and are gone."""

    def __init__(self, base_url: str, token: str, runs: list[UUID], seed: int) -> None:
        self._address = urlsplit(base_url)
        self._token = token
        self._runs = runs
        self._dice = random.Random(seed)

    async def come_and_go(self, cycles: int) -> None:
        """So many visits, a few at once."""
        left = iter(range(cycles))

        async def visit_on() -> None:
            for _ in left:
                await self._visit()

        await asyncio.gather(*[visit_on() for _ in range(AT_ONCE)])

    async def _visit(self) -> None:
        reader, writer = await asyncio.open_connection(self._address.hostname, self._address.port)
        try:
            writer.write(self._request())
            await writer.drain()
            if wanted := self._dice.choice((0, 1, 64, 600, 10_000)):
                await self._take(reader, wanted)
            if self._dice.random() < 0.5:
                writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE
                )
        finally:
            writer.transport.abort() if self._dice.random() < 0.5 else writer.close()

    async def _take(self, reader: asyncio.StreamReader, wanted: int) -> None:
        """Up to ``wanted`` bytes, as far as they come: these runs wait, so their streams stay open."""
        taken = 0
        while taken < wanted and (data := await reader.read(wanted - taken)):
            taken += len(data)
            if b"event: queued" in data:
                return

    def _request(self) -> bytes:
        path = f"/api/v1/runs/{self._dice.choice(self._runs)}/events"
        if self._dice.random() < 0.3:
            path = "/api/v1/runs/events?" + "&".join(f"run={run}" for run in self._dice.sample(self._runs, 5))
        return f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self._token}\r\n\r\n".encode()


async def seek_leaks(settings: Settings, engine: Engine, *, cycles: int, seed: int) -> LeakReport:
    """Serve, let the pools fill, and compare what is held before and after the cycles."""
    user = make_user(engine, "visitor@example.org")
    runs = [make_run(engine, user) for _ in range(RUNS)]
    token = issue_bearer_token(engine, user, "leaks")
    app = create_app(settings)
    state = _remember_state(app)
    async with serving(settings, app) as base_url:
        visitors = Visitors(base_url, token, runs, seed)
        await visitors.come_and_go(max(WARM_UP, int(WARM_UP_SHARE * cycles)))
        before = await _holdings(state, settings, base_url)
        await visitors.come_and_go(cycles)
        after = await _holdings(state, settings, base_url)
    return LeakReport(cycles, before, after)


def _remember_state(app: FastAPI) -> dict[str, Any]:
    """What the application's lifespan will hand to its requests."""
    remembered: dict[str, Any] = {}
    lifespan = app.router.lifespan_context

    @contextlib.asynccontextmanager
    async def remembering(app: FastAPI) -> AsyncIterator[Mapping[str, Any] | None]:
        async with lifespan(app) as state:
            remembered.update(state or {})
            yield state

    app.router.lifespan_context = remembering
    return remembered


async def _holdings(state: dict[str, Any], settings: Settings, base_url: str) -> Holdings:
    """Once everything that ends by itself has ended."""
    hub, pool = state["hub"], state["resources"].engine.pool
    await wait_until_async(lambda: not hub.readers and not hub._topics, what="the hub to forget the readers")
    await wait_until_async(lambda: pool.checkedout() == 0, what="the database's connections to be given back")
    port = urlsplit(base_url).port
    process = psutil.Process()
    await wait_until_async(lambda: not _established(process, port), what="the sockets to be closed")
    gc.collect()
    with redis.Redis.from_url(settings.require_redis_url()) as valkey:
        channels = len(valkey.pubsub_channels("run:*"))
        subscribers = len(valkey.client_list(_type="pubsub"))
    connections = [one for one in process.net_connections("inet") if one.raddr]
    return Holdings(
        tasks=len(asyncio.all_tasks()),
        readers=hub.readers,
        topics=len(hub._topics),
        channels=channels,
        pub_sub_connections=subscribers,
        database_checkouts=pool.checkedout(),
        client_connections=_established(process, port),
        descriptors=process.num_fds() - len(connections),
        memory_bytes=process.memory_info().rss,
    )


def _established(process: psutil.Process, port: int | None) -> int:
    """Sockets of the server's port that are still connected, on its side or on the visitors'."""
    return sum(
        one.status in (psutil.CONN_ESTABLISHED, psutil.CONN_CLOSE_WAIT)
        for one in process.net_connections("tcp")
        if one.raddr and port in (one.laddr.port, one.raddr.port)
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    with own_servers() as (settings, engine):
        report = asyncio.run(seek_leaks(settings, engine, cycles=given.cycles, seed=given.seed))
    print(f"before {report.before}\nafter  {report.after}\nleaks  {report.leaks}")
    print(report.line)
    return 0 if not report.leaks else 1


if __name__ == "__main__":
    sys.exit(main())
