"""What the API tells Redis of a run that it ends: what it added, and only where something is missing all of it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine, update
from tests.streaming.loop_turns import LoopTurns
from tests.support.asking import ask
from tests.support.run_reading import expire_lease, hot, recorded
from tests.support.stories import take_over, text_event

from riverrun.infra.redis_clients import SyncRedis
from riverrun.runs import statements
from riverrun.runs.models import Run
from riverrun.streaming import redis_streaming
from riverrun.streaming.events import Event
from riverrun.streaming.redis_streaming import AsyncRedisStreamManager, RedisStreamManager
from riverrun.streaming.snapshot import Snapshot

LONG = [text_event(seq) for seq in range(2, 1_001)]
FALSE = "this was never said"


@pytest.fixture
async def orphan(
    client: httpx2.AsyncClient, conversation: str, engine: Engine, streams: RedisStreamManager
) -> UUID:
    """An answer whose worker is gone after it has said much."""
    run_id = UUID((await ask(client, conversation)).json()["run_id"])
    orphan_at(engine, run_id, attempt=1)
    say(engine, streams, run_id, LONG)
    return run_id


def orphan_at(engine: Engine, run_id: UUID, *, attempt: int) -> None:
    with engine.begin() as connection:
        connection.execute(
            update(Run).where(Run.id == run_id).values(status="running", attempt=attempt, lease_owner="gone")
        )
    expire_lease(engine, run_id)


def say(engine: Engine, streams: RedisStreamManager | None, run_id: UUID, events: Sequence[Event]) -> None:
    with engine.begin() as connection:
        connection.execute(statements.RECORD_EVENTS, statements.event_columns(run_id, events))
    if streams is not None:
        streams.publish_events(run_id, events)


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many events the API hands over at a time."""
    sizes: list[int] = []
    publish = AsyncRedisStreamManager.publish_events

    async def noted(streams: AsyncRedisStreamManager, run_id: UUID, events: Sequence[Event]) -> Any:
        sizes.append(len(events))
        return await publish(streams, run_id, events)

    monkeypatch.setattr(AsyncRedisStreamManager, "publish_events", noted)
    return sizes


async def test_what_was_added_is_told_where_redis_has_the_rest(
    client: httpx2.AsyncClient, engine: Engine, sync_redis: SyncRedis, orphan: UUID, sizes: list[int]
) -> None:
    assert (await client.post(f"/api/v1/runs/{orphan}/stop")).json()["status"] == "cancelled"
    assert sizes == [2]
    assert hot(sync_redis, orphan) == recorded(engine, orphan)
    assert [str(event.position) for event in hot(sync_redis, orphan)[-2:]] == ["2-1001", "2-1002"]


async def test_what_was_said_is_folded_in_portions(
    client: httpx2.AsyncClient, orphan: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = LoopTurns()
    monkeypatch.setattr(Snapshot, "apply", turns.counted(Snapshot.apply))
    async with turns:
        stopped = await client.post(f"/api/v1/runs/{orphan}/stop")
    assert stopped.json()["status"] == "cancelled"
    assert turns.calls >= 1_000
    assert turns.most_in_one <= 256


async def test_a_redis_that_lost_the_run_is_told_all_of_it_in_portions(
    client: httpx2.AsyncClient,
    engine: Engine,
    sync_redis: SyncRedis,
    orphan: UUID,
    sizes: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sync_redis.flushall()
    turns = LoopTurns()
    arguments = turns.counted(redis_streaming.append_arguments)
    monkeypatch.setattr(redis_streaming, "append_arguments", arguments)
    async with turns:
        await client.post(f"/api/v1/runs/{orphan}/stop")
    assert turns.calls == sum(sizes) == 1_002
    assert turns.most_in_one <= 256
    assert hot(sync_redis, orphan) == recorded(engine, orphan)


async def test_an_attempt_that_only_the_record_has_is_told_too(
    client: httpx2.AsyncClient,
    conversation: str,
    engine: Engine,
    streams: RedisStreamManager,
    sync_redis: SyncRedis,
) -> None:
    """Its positions fit behind what Redis has of the attempt before it."""
    run_id = UUID((await ask(client, conversation)).json()["run_id"])
    streams.publish_events(run_id, [text_event(seq, "old ") for seq in range(2, 9)])
    say(engine, None, run_id, [take_over(2, attempt=2), text_event(3, "new", attempt=2)])
    orphan_at(engine, run_id, attempt=2)
    await client.post(f"/api/v1/runs/{run_id}/stop")
    assert hot(sync_redis, run_id)[-4:] == recorded(engine, run_id)[-4:]


@pytest.mark.parametrize("false_words", [1, 2, 5])
@pytest.mark.parametrize("is_worked_on", [False, True], ids=["queued", "orphan"])
async def test_an_attempt_that_the_record_forgot_is_dropped(
    client: httpx2.AsyncClient,
    conversation: str,
    engine: Engine,
    streams: RedisStreamManager,
    sync_redis: SyncRedis,
    false_words: int,
    is_worked_on: bool,
) -> None:
    run_id = UUID((await ask(client, conversation)).json()["run_id"])
    if is_worked_on:
        say(engine, streams, run_id, [text_event(2, "true "), text_event(3, "words")])
        orphan_at(engine, run_id, attempt=1)
        false = [take_over(2, attempt=2), *(text_event(3 + n, FALSE, attempt=2) for n in range(false_words))]
    else:
        false = [text_event(2 + n, FALSE) for n in range(false_words)]
    streams.publish_events(run_id, false)
    assert (await client.post(f"/api/v1/runs/{run_id}/stop")).json()["status"] == "cancelled"
    assert hot(sync_redis, run_id) == recorded(engine, run_id)
    assert FALSE not in (await client.get(f"/api/v1/runs/{run_id}/events")).text
