"""Pages have no hole, whichever copy they come from; one is the last only where nothing can follow."""

from uuid import UUID

from sqlalchemy import Engine
from tests.support.stories import text_event

from riverrun.infra.redis_clients import SyncRedis
from riverrun.runs import statements
from riverrun.streaming.cursor import START, Position
from riverrun.streaming.redis_streaming import AsyncRedisStreamManager
from riverrun.streaming.run_log import LEVEL, PAGE_EVENTS, Page, RunLog


def seqs(page: Page) -> list[int]:
    return [event.position.seq for event in page.events]


async def test_a_full_page_is_not_the_last_and_one_that_reaches_the_top_is(
    run_log: RunLog, async_streams: AsyncRedisStreamManager, queued_run: UUID
) -> None:
    await async_streams.publish_events(queued_run, [text_event(seq) for seq in range(1, PAGE_EVENTS + 11)])
    first = await run_log.next_page(queued_run, START)
    assert seqs(first) == list(range(1, PAGE_EVENTS + 1))
    assert not first.is_last
    rest = await run_log.next_page(queued_run, first.events[-1].position)
    assert seqs(rest) == list(range(PAGE_EVENTS + 1, PAGE_EVENTS + 11))
    assert rest.is_last
    assert await run_log.next_page(queued_run, rest.events[-1].position) == LEVEL


async def test_a_page_of_a_redis_that_lost_the_newest_is_not_the_last(
    run_log: RunLog, async_streams: AsyncRedisStreamManager, queued_run: UUID, engine: Engine
) -> None:
    events = [text_event(seq) for seq in range(2, 9)]  # the run's row brought the first
    with engine.begin() as connection:
        connection.execute(statements.insert_events(queued_run, events))
    await async_streams.publish_events(queued_run, [text_event(1), *events[:3]])
    page = await run_log.next_page(queued_run, Position(1, 1), known_top=Position(1, 8))
    assert (seqs(page), page.is_last) == ([2, 3, 4], False)
    page = await run_log.next_page(queued_run, Position(1, 4), known_top=Position(1, 8))
    assert (seqs(page), page.is_last) == ([5, 6, 7, 8], False)


async def test_a_redis_that_lost_the_readers_own_event_is_not_believed_to_have_nothing_more(
    run_log: RunLog,
    async_streams: AsyncRedisStreamManager,
    queued_run: UUID,
    engine: Engine,
    sync_redis: SyncRedis,
) -> None:
    events = [text_event(seq) for seq in range(2, 9)]
    with engine.begin() as connection:
        connection.execute(statements.insert_events(queued_run, events))
    sync_redis.flushall()
    await async_streams.publish_events(queued_run, [text_event(seq) for seq in range(1, 4)])
    page = await run_log.next_page(queued_run, Position(1, 5))
    assert (seqs(page), page.is_last) == ([6, 7, 8], False)
