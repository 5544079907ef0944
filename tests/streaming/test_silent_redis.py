"""A Redis that neither answers nor refuses is asked once in a while; until it answers the record does, and exactly."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import pytest
from sqlalchemy import Engine
from tests.streaming.silent_valkey import NEVER_GIVES_UP, silent_valkey
from tests.support.stories import make_run, text_event
from tests.support.waiting import wait_until_async

from riverrun.embedded import EmbeddedServers
from riverrun.infra.redis_clients import open_async_redis
from riverrun.runs import statements
from riverrun.runs.event_log import AsyncEventLog
from riverrun.streaming import run_log as run_log_module
from riverrun.streaming.commands import Place, Stretch
from riverrun.streaming.cursor import START, Position
from riverrun.streaming.events import Event
from riverrun.streaming.hub import TURNS, StreamHub
from riverrun.streaming.redis_streaming import AsyncRedisStreamManager
from riverrun.streaming.run_log import LEVEL, RunLog

LONG = 600.0


class Counted(AsyncRedisStreamManager):
    """The real streams; it counts how often they are asked."""

    asked = 0
    watched = 0

    async def read_stretches(self, places: Sequence[Place], *, limit: int) -> list[Stretch]:
        self.asked += 1
        return await super().read_stretches(places, limit=limit)

    async def tops(self, run_ids: Sequence[UUID]) -> dict[UUID, Position]:
        self.asked += 1
        self.watched += 1
        return await super().tops(run_ids)


@pytest.fixture
async def counted(redis_url: str) -> AsyncIterator[Counted]:
    async with open_async_redis(redis_url + NEVER_GIVES_UP) as client:
        yield Counted(client, ttl_seconds=60)


@pytest.fixture
def log(counted: Counted, event_log: AsyncEventLog) -> RunLog:
    return RunLog(counted, event_log)


def end_event(seq: int) -> Event:
    return Event.create(Position(1, seq), "end", {"status": "completed"})


def record(engine: Engine, run_id: UUID, events: list[Event]) -> None:
    with engine.begin() as connection:
        connection.execute(statements.insert_events(run_id, events))


async def test_a_watchdog_asks_a_silent_redis_once_and_goes_on_with_the_record(
    servers: EmbeddedServers,
    log: RunLog,
    counted: Counted,
    engine: Engine,
    queued_run: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run_log_module, "ALONE_SECONDS", LONG, raising=False)
    record(engine, queued_run, [text_event(2), text_event(3)])
    with silent_valkey(servers):
        async with asyncio.timeout(30):
            for _ in range(20):
                assert await log.tops([queued_run]) == {queued_run: (1, 3)}
            page = await log.next_page(queued_run, Position(1, 1))
            assert await log.next_page(queued_run, Position(1, 3)) == LEVEL
    assert page.events == [text_event(2), text_event(3)]
    assert not page.is_last
    assert counted.asked == 1


async def test_readers_leave_a_redis_alone_that_was_silent_to_one_of_them(
    servers: EmbeddedServers,
    async_streams: AsyncRedisStreamManager,
    event_log: AsyncEventLog,
    engine: Engine,
    queued_run: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run_log_module, "ALONE_SECONDS", LONG, raising=False)
    counted = Counted(async_streams._client, ttl_seconds=60)
    log = RunLog(counted, event_log)
    record(engine, queued_run, [text_event(seq) for seq in range(2, 6)])
    with silent_valkey(servers):
        async with asyncio.timeout(60):
            for seq in range(1, 5):
                page = await log.next_page(queued_run, Position(1, seq))
                assert page.events == [text_event(later) for later in range(seq + 1, 6)]
    assert counted.asked == 1


async def test_a_redis_that_speaks_again_is_heard_again(
    servers: EmbeddedServers,
    log: RunLog,
    counted: Counted,
    engine: Engine,
    queued_run: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is only there, as its batch is not recorded yet, counts as soon as the time alone is over."""
    await counted.publish_events(queued_run, [text_event(seq) for seq in range(1, 5)])
    record(engine, queued_run, [text_event(2)])
    monkeypatch.setattr(run_log_module, "ALONE_SECONDS", 0.0, raising=False)
    with silent_valkey(servers):
        async with asyncio.timeout(30):
            assert await log.tops([queued_run]) == {queued_run: (1, 2)}
            assert (await log.next_page(queued_run, START)).events[-1].position == (1, 2)
    assert counted.asked == 2

    async def hears_redis() -> bool:
        return await log.tops([queued_run]) == {queued_run: Position(1, 4)}

    await wait_until_async(hears_redis)
    assert [event.position.seq for event in await log.read_after(queued_run, Position(1, 2))] == [3, 4]


async def test_a_redis_that_refuses_is_asked_again_at_once(
    event_log: AsyncEventLog, queued_run: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_log_module, "ALONE_SECONDS", LONG, raising=False)
    async with open_async_redis("redis://127.0.0.1:1/0") as client:
        counted = Counted(client, ttl_seconds=60)
        log = RunLog(counted, event_log)
        for _ in range(3):
            assert await log.tops([queued_run]) == {queued_run: (1, 1)}
            assert (await log.next_page(queued_run, START)).events[-1].position == (1, 1)
    assert counted.asked == 6


async def test_the_readers_of_many_runs_hear_their_ends_from_the_record(
    servers: EmbeddedServers,
    redis_url: str,
    counted: Counted,
    log: RunLog,
    engine: Engine,
    user_id: UUID,
) -> None:
    """With a client that waits for ever none would: the watchdog itself gives up, and the readers it wakes do not ask."""
    runs = [make_run(engine, user_id) for _ in range(40)]
    async with StreamHub(redis_url, log, heartbeat_seconds=30).running() as hub:
        waiting = [asyncio.create_task(hub.wait_for_end(run_id)) for run_id in runs]
        await wait_until_async(
            lambda: counted.watched >= TURNS
        )  # by then all are level, and their channels confirmed
        with silent_valkey(servers):
            for run_id in runs:
                record(engine, run_id, [text_event(2), end_event(3)])
            async with asyncio.timeout(60):
                ends = await asyncio.gather(*waiting)
    assert [end.position for end in ends if end is not None] == [(1, 3)] * len(runs)
