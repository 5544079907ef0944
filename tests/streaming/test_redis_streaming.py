"""One scenario for both twins: the append script is the fence."""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import pytest
from tests.support.stories import take_over, text_event

from riverrun.infra.redis_clients import SyncRedis
from riverrun.streaming.commands import AppendOutcome, stream_key
from riverrun.streaming.cursor import START, Position
from riverrun.streaming.events import Event
from riverrun.streaming.redis_streaming import AsyncRedisStreamManager, RedisStreamManager

Publish = Callable[[UUID, Sequence[Event]], Awaitable[list[AppendOutcome]]]


@pytest.fixture(params=["sync", "async"])
def publish(
    request: pytest.FixtureRequest, streams: RedisStreamManager, async_streams: AsyncRedisStreamManager
) -> Publish:
    manager = streams if request.param == "sync" else async_streams

    async def publish(run_id: UUID, events: Sequence[Event]) -> list[AppendOutcome]:
        outcomes = []
        for event in events:
            outcome = manager.publish_event(run_id, event)
            outcomes.append(await outcome if inspect.isawaitable(outcome) else outcome)
        return outcomes

    return publish


APPENDED, KNOWN, HOLE, FENCED = AppendOutcome


async def test_events_in_order_are_appended(publish: Publish, run_id: UUID) -> None:
    assert await publish(run_id, [text_event(1), text_event(2), text_event(3)]) == [APPENDED] * 3


async def test_a_second_sending_changes_nothing(
    publish: Publish, run_id: UUID, async_streams: AsyncRedisStreamManager
) -> None:
    assert await publish(run_id, [text_event(1), text_event(2), text_event(1), text_event(2)]) == [
        APPENDED,
        APPENDED,
        KNOWN,
        KNOWN,
    ]
    events, top = await async_streams.read_after(run_id, START, limit=10)
    assert [event.position for event in events] == [(1, 1), (1, 2)]
    assert top == (1, 2)


async def test_a_missing_entry_is_a_hole(publish: Publish, run_id: UUID) -> None:
    assert await publish(run_id, [text_event(2)]) == [HOLE]
    assert await publish(run_id, [text_event(1), text_event(3)]) == [APPENDED, HOLE]


async def test_a_new_attempt_takes_over_and_fences_the_old(publish: Publish, run_id: UUID) -> None:
    events = [
        text_event(1),
        text_event(2),
        text_event(3),
        take_over(2, attempt=2),
        text_event(4),
        text_event(3, attempt=2),
    ]
    assert await publish(run_id, events) == [APPENDED, APPENDED, APPENDED, APPENDED, FENCED, APPENDED]


async def test_a_new_attempt_begins_with_its_own_event(publish: Publish, run_id: UUID) -> None:
    assert await publish(run_id, [text_event(1), text_event(2, attempt=2)]) == [APPENDED, HOLE]
    assert await publish(run_id, [take_over(3, attempt=2)]) == [HOLE]


async def test_a_stream_has_a_time_to_live(publish: Publish, run_id: UUID, sync_redis: SyncRedis) -> None:
    await publish(run_id, [text_event(1)])
    assert 0 < sync_redis.ttl(stream_key(run_id)) <= 60


async def test_many_events_go_in_one_round_trip(
    streams: RedisStreamManager, async_streams: AsyncRedisStreamManager, run_id: UUID
) -> None:
    events = [text_event(seq) for seq in range(1, 101)]
    assert streams.publish_events(run_id, events[:50]) == [APPENDED] * 50
    assert await async_streams.publish_events(run_id, events) == [KNOWN] * 50 + [APPENDED] * 50
    assert await async_streams.tops([run_id]) == {run_id: Position(1, 100)}
    assert await async_streams.has(run_id, Position(1, 100))
    assert not await async_streams.has(run_id, Position(1, 101))
