"""How many threads the API has, alone and with hundreds of streams of a running run open."""

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from tests.support.stories import make_run, make_user

from riverrun.auth.sign_in import issue_bearer_token
from riverrun.cli.stack import Stack
from riverrun.infra.database import open_engine
from riverrun.infra.settings import Settings
from riverrun.infra.worker_leaving import Leaving
from riverrun.infra.worker_resources import WorkerResources
from riverrun.runs.attempt import Attempt
from riverrun.runs.performance import perform_run

AT_ONCE = 20
FIRST_WORD = b"event: text"
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Census:
    """Threads of the API's process before, and while each of so many streams has got an event and waits for the next."""

    streams: int
    before: int
    during: int

    @property
    def grew(self) -> bool:
        return self.during > self.before

    def __str__(self) -> str:
        return f"threads: before={self.before} streams={self.streams} during={self.during}"


async def count_threads(stack: Stack, streams: int) -> Census:
    """Count, have a run performed here as a worker does, open the streams, count again."""
    before = threads_of(stack.pids["api"])
    with _running_run(stack.settings) as (run_id, token):
        async with _open_streams(stack.base_url, run_id, token, streams):
            return Census(streams, before, threads_of(stack.pids["api"]))


def threads_of(pid: int) -> int:
    """As the kernel counts them."""
    return len(os.listdir(f"/proc/{pid}/task"))


@contextmanager
def _running_run(settings: Settings) -> Iterator[tuple[UUID, str]]:
    """A run that has said a word and goes on saying nothing while the block lasts; its id, and a token of its user."""
    engine = open_engine(settings.require_database_url(), pool_size=1)
    user = make_user(engine, "census@example.org")
    run_id, token = make_run(engine, user), issue_bearer_token(engine, user, "census")
    engine.dispose()
    ending = threading.Event()

    def work(attempt: Attempt) -> None:
        attempt.emit("text", text="word ")
        ending.wait()

    worker = WorkerResources.open(settings, Leaving())
    performance = threading.Thread(target=perform_run, args=(run_id, worker, work, lambda *_: None))
    performance.start()
    try:
        yield run_id, token
    finally:
        ending.set()
        performance.join()
        worker.runner.close()
        worker.redis.close()
        worker.engine.dispose()


@contextlib.asynccontextmanager
async def _open_streams(base_url: str, run_id: UUID, token: str, count: int) -> AsyncIterator[None]:
    """Open inside the block, each past its first word."""
    address = urlsplit(base_url)
    request = f"GET /api/v1/runs/{run_id}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
    writers: list[asyncio.StreamWriter] = []
    left = iter(range(count))

    async def open_on() -> None:
        for _ in left:
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            writers.append(writer)
            writer.write(request.encode())
            await reader.readuntil(FIRST_WORD)

    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.gather(*[open_on() for _ in range(AT_ONCE)])
        yield
    finally:
        for writer in writers:
            writer.close()
        await asyncio.gather(*[writer.wait_closed() for writer in writers], return_exceptions=True)
