"""Readers of the hub get every event once and in order, whatever happens to Redis."""

import asyncio
import contextlib
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine
from tests.support.stories import take_over, text_event
from tests.support.waiting import wait_until_async

from riverrun.infra.redis_clients import SyncRedis
from riverrun.runs import statements
from riverrun.runs.event_log import AsyncEventLog
from riverrun.streaming.commands import stream_key
from riverrun.streaming.cursor import START, Position
from riverrun.streaming.events import Event
from riverrun.streaming.hub import StreamHub
from riverrun.streaming.redis_streaming import AsyncRedisStreamManager
from riverrun.streaming.run_log import Page, RunLog
from riverrun.streaming.subscription import MAX_BUFFERED_EVENTS, Subscription


def end_event(seq: int, attempt: int = 1) -> Event:
    return Event.create(Position(attempt, seq), "end", {"status": "completed"})


async def read_to_end(subscription: Subscription) -> list[Position]:
    positions: list[Position] = []
    async with asyncio.timeout(30):
        while True:
            for event in await subscription.next_events():
                positions.append(event.position)
                if event.is_end:
                    return positions


def positions(count: int, attempt: int = 1) -> list[Position]:
    return [Position(attempt, seq) for seq in range(1, count + 1)]


def record(engine: Engine, run_id: UUID, events: list[Event]) -> None:
    with engine.begin() as connection:
        connection.execute(statements.insert_events(run_id, events))


async def is_subscribed(sync_redis: SyncRedis) -> None:
    await wait_until_async(lambda: sync_redis.pubsub_channels("run:*"))


async def test_a_reader_gets_what_was_said_before_and_after_it_came(
    hub: StreamHub, async_streams: AsyncRedisStreamManager, queued_run: UUID, sync_redis: SyncRedis
) -> None:
    await async_streams.publish_events(queued_run, [text_event(seq) for seq in range(1, 51)])
    with hub.attach(queued_run) as subscription:
        reading = asyncio.create_task(read_to_end(subscription))
        for seq in range(51, 100):
            await async_streams.publish_event(queued_run, text_event(seq))
        await async_streams.publish_event(queued_run, end_event(100))
        assert await reading == positions(100)


async def test_a_reader_with_a_position_gets_exactly_the_rest(
    hub: StreamHub, async_streams: AsyncRedisStreamManager, queued_run: UUID
) -> None:
    await async_streams.publish_events(queued_run, [*map(text_event, range(1, 50)), end_event(50)])
    for seq in range(1, 50):
        with hub.attach(queued_run, Position(1, seq)) as subscription:
            assert await read_to_end(subscription) == positions(50)[seq:]


async def test_a_slow_reader_is_cut_off_from_pushing_and_catches_up_without_a_gap(
    hub: StreamHub, async_streams: AsyncRedisStreamManager, queued_run: UUID, sync_redis: SyncRedis
) -> None:
    count = 3 * MAX_BUFFERED_EVENTS
    with hub.attach(queued_run) as subscription:
        await async_streams.publish_event(queued_run, text_event(1))
        first = await subscription.next_events()
        await is_subscribed(sync_redis)
        await async_streams.publish_events(queued_run, [*map(text_event, range(2, count)), end_event(count)])
        await wait_until_async(
            lambda: len(subscription._live) < MAX_BUFFERED_EVENTS and subscription._is_behind
        )
        rest = await read_to_end(subscription)
    assert [event.position for event in first] + rest == positions(count)


async def test_a_lost_last_frame_is_noticed(
    hub: StreamHub, async_streams: AsyncRedisStreamManager, queued_run: UUID, sync_redis: SyncRedis
) -> None:
    await async_streams.publish_event(queued_run, text_event(1))
    with hub.attach(queued_run) as subscription:
        assert await subscription.next_events()
        await is_subscribed(sync_redis)
        sync_redis.xadd(stream_key(queued_run), {"t": "end", "d": end_event(2).data}, id="1-2")
        assert await read_to_end(subscription) == [(1, 2)]


async def test_a_killed_subscription_is_renewed_and_nothing_is_missed(
    hub: StreamHub, async_streams: AsyncRedisStreamManager, queued_run: UUID, sync_redis: SyncRedis
) -> None:
    with hub.attach(queued_run) as subscription:
        reading = asyncio.create_task(read_to_end(subscription))
        for seq in range(1, 60):
            await async_streams.publish_event(queued_run, text_event(seq))
            if seq % 20 == 0:
                await is_subscribed(sync_redis)
                sync_redis.client_kill_filter(_type="pubsub")
        await async_streams.publish_event(queued_run, end_event(60))
        assert await reading == positions(60)


async def test_an_emptied_redis_is_no_loss(
    hub: StreamHub,
    async_streams: AsyncRedisStreamManager,
    queued_run: UUID,
    engine: Engine,
    sync_redis: SyncRedis,
) -> None:
    events = [*map(text_event, range(2, 30)), end_event(30)]
    record(engine, queued_run, events[:10])
    await async_streams.publish_events(queued_run, [text_event(1), *events[:10]])
    sync_redis.flushall()
    with hub.attach(queued_run, Position(1, 4)) as subscription:
        reading = asyncio.create_task(read_to_end(subscription))
        record(engine, queued_run, events[10:])
        assert await reading == positions(30)[4:]


async def test_a_redis_that_lost_the_newest_events_is_no_loss(
    hub: StreamHub, async_streams: AsyncRedisStreamManager, queued_run: UUID, engine: Engine
) -> None:
    events = [*map(text_event, range(2, 30)), end_event(30)]
    record(engine, queued_run, events)
    await async_streams.publish_events(queued_run, [text_event(1), *events[:10]])
    with hub.attach(queued_run) as subscription:
        assert await read_to_end(subscription) == positions(30)


async def test_a_take_over_reaches_a_reader_ahead_of_what_is_kept(
    hub: StreamHub, async_streams: AsyncRedisStreamManager, queued_run: UUID, sync_redis: SyncRedis
) -> None:
    await async_streams.publish_events(queued_run, [*map(text_event, range(1, 9))])
    with hub.attach(queued_run) as subscription:
        reading = asyncio.create_task(read_to_end(subscription))
        await is_subscribed(sync_redis)
        await wait_until_async(lambda: subscription.position == (1, 8))
        await async_streams.publish_events(
            queued_run, [take_over(2, attempt=2), text_event(3, attempt=2), end_event(4, attempt=2)]
        )
        assert await reading == [*positions(8), (2, 2), (2, 3), (2, 4)]


@pytest.mark.parametrize("position", [START, Position(1, 1)], ids=["a page", "an empty page"])
async def test_a_nudge_during_a_read_is_not_forgotten(
    async_streams: AsyncRedisStreamManager, event_log: AsyncEventLog, queued_run: UUID, position: Position
) -> None:
    """What is appended after the read and told by a nudge before its answer is used must be read."""

    class Interrupted(RunLog):
        """The real log; between the answer of its first read and its use something happens."""

        reads = 0

        async def next_page(self, *args: Any, **kwargs: Any) -> Page:
            page = await super().next_page(*args, **kwargs)
            self.reads += 1
            if self.reads == 1:
                await async_streams.publish_event(queued_run, end_event(2))
                subscription.nudge()
            return page

    await async_streams.publish_event(queued_run, text_event(1))
    subscription = Subscription(queued_run, position, Interrupted(async_streams, event_log))
    assert await read_to_end(subscription) == positions(2)[position.seq :]


async def test_draining_sends_readers_away_with_their_position(
    hub: StreamHub, async_streams: AsyncRedisStreamManager, queued_run: UUID
) -> None:
    await async_streams.publish_event(queued_run, text_event(1))
    with hub.attach(queued_run) as subscription:
        await subscription.next_events()
        waiting = asyncio.create_task(subscription.next_events())
        hub.drain()
        assert await waiting == []
        assert subscription.is_leaving
        assert subscription.position == (1, 1)
    with hub.attach(queued_run) as late:
        assert late.is_leaving


async def test_readers_leave_nothing_behind(
    hub: StreamHub, async_streams: AsyncRedisStreamManager, queued_run: UUID, sync_redis: SyncRedis
) -> None:
    await async_streams.publish_event(queued_run, text_event(1))
    for _ in range(200):
        with hub.attach(queued_run) as subscription, contextlib.suppress(TimeoutError):
            await subscription.next_events()
    assert hub.readers == 0
    await wait_until_async(lambda: not sync_redis.pubsub_channels("run:*"))
    assert len(sync_redis.client_list(_type="pubsub")) <= 1


@pytest.mark.parametrize("readers", [50])
async def test_many_readers_see_the_same(
    hub: StreamHub, async_streams: AsyncRedisStreamManager, queued_run: UUID, readers: int
) -> None:
    with contextlib.ExitStack() as stack:
        subscriptions = [stack.enter_context(hub.attach(queued_run, START)) for _ in range(readers)]
        reading = [asyncio.create_task(read_to_end(subscription)) for subscription in subscriptions]
        for seq in range(1, 40):
            await async_streams.publish_event(queued_run, text_event(seq))
        await async_streams.publish_event(queued_run, end_event(40))
        assert await asyncio.gather(*reading) == [positions(40)] * readers
