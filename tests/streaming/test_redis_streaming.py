"""One scenario for both twins: the append script is the fence, and no key outlives its time."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import pytest
from tests.support.stories import take_over, text_event

from riverrun.infra.redis_clients import SyncRedis
from riverrun.kit.ids import new_uuid
from riverrun.streaming.commands import AppendOutcome, Place, session_keys, stream_key
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


APPENDED, STOPPING, KNOWN, HOLE, FENCED = AppendOutcome


class EitherTwin:
    """Calls one of the twins; whatever it answers is awaited where that is needed."""

    def __init__(self, manager: RedisStreamManager | AsyncRedisStreamManager) -> None:
        self._manager = manager

    def __getattr__(self, verb: str) -> Callable[..., Awaitable[Any]]:
        async def call(*args: Any, **options: Any) -> Any:
            outcome = getattr(self._manager, verb)(*args, **options)
            return await outcome if inspect.isawaitable(outcome) else outcome

        return call


@pytest.fixture(params=["sync", "async"])
def twin(
    request: pytest.FixtureRequest, streams: RedisStreamManager, async_streams: AsyncRedisStreamManager
) -> EitherTwin:
    return EitherTwin(streams if request.param == "sync" else async_streams)


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
    [stretch] = await async_streams.read_stretches([Place(run_id, START)], limit=10)
    assert [event.position for event in stretch.events] == [(1, 1), (1, 2)]


async def test_stretches_after_many_places_are_told_in_their_order(
    async_streams: AsyncRedisStreamManager, run_id: UUID
) -> None:
    other, unknown = new_uuid(), new_uuid()
    await async_streams.publish_events(run_id, [text_event(seq) for seq in range(1, 6)])
    await async_streams.publish_events(other, [text_event(1)])
    places = [
        Place(other, Position(1, 1)),
        Place(run_id, Position(1, 2)),
        Place(unknown, START),
        Place(other, Position(1, 7)),
        Place(run_id, START),
    ]
    stretches = await async_streams.read_stretches(places, limit=3)
    assert [([event.position for event in stretch.events], *stretch[1:]) for stretch in stretches] == [
        ([], True, True),
        ([(1, 3), (1, 4)], True, False),
        ([], False, True),
        ([], False, True),
        ([(1, 1), (1, 2), (1, 3)], False, False),
    ]


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


async def test_a_status_goes_one_way(twin: EitherTwin, run_id: UUID) -> None:
    assert await twin.get_task_status(run_id) is None
    assert await twin.set_task_status(run_id, "running")
    assert not await twin.set_task_status(run_id, "queued")
    assert await twin.set_task_status(run_id, "cancelled")
    for late in ("running", "completed", "queued"):
        assert not await twin.set_task_status(run_id, late)
    assert await twin.get_task_status(run_id) == "cancelled"


async def test_a_task_is_known_by_celerys_id(twin: EitherTwin, run_id: UUID) -> None:
    assert await twin.get_task_id(run_id) is None
    await twin.set_task_id(run_id, "first")
    await twin.set_task_id(run_id, "second")
    assert await twin.get_task_id(run_id) == "second"


async def test_a_cancellation_is_told_with_the_next_event(twin: EitherTwin, run_id: UUID) -> None:
    assert await twin.publish_event(run_id, text_event(1)) == APPENDED
    await twin.set_cancellation(run_id)
    assert await twin.publish_event(run_id, text_event(2)) == STOPPING
    assert await twin.publish_event(run_id, text_event(4)) == HOLE
    assert await twin.publish_events(run_id, [text_event(2), text_event(3)]) == [KNOWN, STOPPING]


async def test_a_snapshot_is_what_counts_at_its_position(twin: EitherTwin, run_id: UUID) -> None:
    assert await twin.get_stream_snapshot(run_id) is None
    await twin.publish_events(
        run_id, [text_event(1, "One "), text_event(2, "two "), text_event(3, "dropped")]
    )
    snapshot, position = await twin.get_stream_snapshot(run_id)
    assert (snapshot.text, position) == ("One two dropped", (1, 3))
    await twin.publish_events(run_id, [take_over(3, attempt=2), text_event(4, "three", attempt=2)])
    snapshot, position = await twin.get_stream_snapshot(run_id)
    assert (snapshot.text, position) == ("One two three", (2, 4))


async def test_every_key_of_a_session_lives_for_a_time_only_and_goes_at_once_when_told(
    twin: EitherTwin, run_id: UUID, sync_redis: SyncRedis
) -> None:
    await twin.set_task_status(run_id, "running")
    await twin.set_task_id(run_id, "task")
    await twin.set_cancellation(run_id)
    await twin.publish_event(run_id, text_event(1))
    keys = session_keys(run_id)
    assert sorted(key.decode() for key in sync_redis.scan_iter()) == sorted(keys)
    assert all(f"{{{run_id}}}" in key for key in keys)
    assert all(0 < sync_redis.ttl(key) <= 60 for key in keys)
    other = new_uuid()
    await twin.set_task_id(other, "another run's")
    await twin.clear_session(run_id)
    assert not sync_redis.exists(*keys)
    assert await twin.get_task_id(other) == "another run's"
    await twin.clear_session(run_id)


@pytest.mark.parametrize(
    ("status", "require_running", "expected"),
    [
        (None, True, None),
        (None, False, None),
        ("queued", True, None),
        ("queued", False, "queued"),
        ("running", True, "running"),
        ("error", True, "error"),
    ],
)
async def test_a_start_is_waited_for_only_as_long_as_told(
    twin: EitherTwin, run_id: UUID, status: str | None, require_running: bool, expected: str | None
) -> None:
    if status:
        await twin.set_task_status(run_id, status)
    started = await twin.wait_for_task_start(run_id, timeout_seconds=0.1, require_running=require_running)
    assert started == expected


async def test_a_start_is_seen_while_it_is_waited_for(
    async_streams: AsyncRedisStreamManager, streams: RedisStreamManager, run_id: UUID
) -> None:
    await async_streams.set_task_status(run_id, "queued")
    waiting = [
        asyncio.create_task(async_streams.wait_for_task_start(run_id, timeout_seconds=20)),
        asyncio.create_task(asyncio.to_thread(streams.wait_for_task_start, run_id, timeout_seconds=20)),
    ]
    await asyncio.sleep(0.1)
    assert not any(task.done() for task in waiting)
    await async_streams.set_task_status(run_id, "running")
    assert await asyncio.gather(*waiting) == ["running", "running"]


async def test_the_state_of_a_task_is_one_look(
    async_streams: AsyncRedisStreamManager, streams: RedisStreamManager, run_id: UUID
) -> None:
    assert await async_streams.get_task_state(run_id) == (None, None, None, None)
    streams.set_task_status(run_id, "running")
    streams.set_task_id(run_id, "task")
    streams.publish_events(run_id, [text_event(1), text_event(2)])
    status, task_id, top, last_activity = await async_streams.get_task_state(run_id)
    assert (status, task_id, top) == ("running", "task", (1, 2))
    assert last_activity is not None
    assert abs(last_activity.timestamp() - time.time()) < 60


async def test_a_stream_is_consumed_from_a_position_on_as_it_grows(
    streams: RedisStreamManager, run_id: UUID
) -> None:
    streams.publish_events(run_id, [text_event(1), text_event(2)])
    consuming = streams.consume_stream(run_id, Position(1, 1))
    assert next(consuming) == [text_event(2)]
    waiting = asyncio.create_task(asyncio.to_thread(next, consuming))
    await asyncio.to_thread(streams.publish_event, run_id, text_event(3))
    assert await waiting == [text_event(3)]
    consuming.close()
