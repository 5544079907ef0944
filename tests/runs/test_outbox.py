"""Wake-ups leave after the commit, and come again when they were lost."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import orjson
import psycopg
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from sqlalchemy import Engine, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.support.revisions import OLDER
from tests.support.stories import make_run
from tests.support.waiting import wait_until_async

from riverrun.infra.celery_app import broker_url, configure_celery
from riverrun.infra.database import open_async_engine
from riverrun.infra.redis_clients import AsyncRedis, open_async_redis
from riverrun.infra.settings import Settings
from riverrun.infra.task_dispatch import TaskDispatcher, WakeUp
from riverrun.runs import outbox as outbox_module
from riverrun.runs.lease import claim_run
from riverrun.runs.models import OutboxEntry, Run
from riverrun.runs.outbox import Outbox

QUEUE = "riverrun_test"


@pytest.fixture
async def broker(settings: Settings) -> AsyncIterator[AsyncRedis]:
    async with open_async_redis(broker_url(settings)) as client:
        yield client


@pytest.fixture
def outbox(settings: Settings, async_engine: AsyncEngine, broker: AsyncRedis) -> Outbox:
    return Outbox(async_engine, TaskDispatcher(configure_celery(settings), broker), lease_seconds=1.5)


def age(engine: Engine, seconds: int, *, is_sent: bool) -> None:
    """Make the wake-up look as old as that."""
    past = text(f"now() - interval '{seconds} s'")
    with engine.begin() as connection:
        connection.execute(update(OutboxEntry).values(created_at=past, sent_at=past if is_sent else None))


async def test_a_committed_wake_up_leaves_at_once(
    outbox: Outbox, broker: AsyncRedis, queued_run: UUID, engine: Engine
) -> None:
    async with outbox.running():
        outbox.send_soon(WakeUp("riverrun.test", QUEUE, queued_run))
        await wait_until_async(lambda: broker.llen(QUEUE))
        await wait_until_async(lambda: sent_at(engine))
    message = orjson.loads(await broker.lindex(QUEUE, 0))
    assert message["headers"]["task"] == "riverrun.test"
    assert message["properties"]["delivery_info"]["routing_key"] == QUEUE


def sent_at(engine: Engine) -> object:
    with engine.connect() as connection:
        return connection.scalar(select(OutboxEntry.sent_at))


async def test_one_that_never_left_is_sent(
    outbox: Outbox, broker: AsyncRedis, queued_run: UUID, engine: Engine
) -> None:
    assert await outbox.sweep() == 0
    age(engine, 2, is_sent=False)
    assert await outbox.sweep() == 1
    assert await outbox.sweep() == 0
    assert await broker.llen(QUEUE) == 1


async def test_one_that_the_broker_lost_is_sent_again(
    outbox: Outbox, broker: AsyncRedis, queued_run: UUID, engine: Engine
) -> None:
    age(engine, 10, is_sent=True)
    assert await outbox.sweep() == 1
    age(engine, 10, is_sent=True)
    assert await outbox.sweep() == 0, "it waits in its queue: it is not lost"
    await broker.flushdb()
    age(engine, 10, is_sent=True)
    assert await outbox.sweep() == 1


async def test_a_run_whose_worker_died_is_woken_again_and_one_that_runs_is_not(
    outbox: Outbox, broker: AsyncRedis, queued_run: UUID, engine: Engine
) -> None:
    assert claim_run(engine, queued_run, lease_seconds=60, max_attempts=3)
    age(engine, 10, is_sent=True)
    assert await outbox.sweep() == 0
    with engine.begin() as connection:
        connection.execute(update(Run).values(lease_until=text("now() - interval '1 s'")))
    assert await outbox.sweep() == 1


async def test_a_dead_workers_run_is_woken_again_although_its_queue_is_busy(
    outbox: Outbox, broker: AsyncRedis, queued_run: UUID, engine: Engine
) -> None:
    assert claim_run(engine, queued_run, lease_seconds=60, max_attempts=3)
    with engine.begin() as connection:
        connection.execute(update(Run).values(lease_until=text("now() - interval '1 s'")))
    age(engine, 10, is_sent=True)
    await broker.lpush(QUEUE, "somebody else's")
    assert await outbox.sweep() == 1


async def test_runs_that_wait_their_turn_hide_no_lost_wake_up(
    outbox: Outbox, broker: AsyncRedis, engine: Engine, user_id: UUID
) -> None:
    for _ in range(120):
        make_run(engine, user_id)
    age(engine, 10, is_sent=True)
    await broker.lpush(QUEUE, "one of them")
    late = make_run(engine, user_id)
    with engine.begin() as connection:
        past = text("now() - interval '2 s'")
        connection.execute(
            update(OutboxEntry).where(OutboxEntry.run_id == late).values(queue="other", created_at=past)
        )
    assert await outbox.sweep() == 1
    assert await broker.llen("other") == 1


async def test_one_that_a_busy_broker_lost_is_sent_again_in_time(
    outbox: Outbox, broker: AsyncRedis, queued_run: UUID, engine: Engine
) -> None:
    await broker.lpush(QUEUE, "somebody else's")
    age(engine, 120, is_sent=True)
    assert await outbox.sweep() == 1


async def test_a_broker_that_blinks_puts_no_grace_on_lost_wake_ups(
    settings: Settings, async_engine: AsyncEngine, engine: Engine, broker: AsyncRedis, queued_run: UUID
) -> None:
    class Blinking(TaskDispatcher):
        """Fails once, as a broker does that is started anew."""

        has_failed = False

        async def send(self, wake_ups: Sequence[WakeUp]) -> None:
            if not self.has_failed:
                self.has_failed = True
                raise RedisConnectionError("blink")
            await super().send(wake_ups)

    outbox = Outbox(async_engine, Blinking(configure_celery(settings), broker), lease_seconds=3_600)
    age(engine, 10, is_sent=False)
    async with outbox.running():
        await wait_until_async(lambda: broker.llen(QUEUE))


async def test_after_an_outage_workers_get_a_lease_of_time_to_renew(
    settings: Settings, async_engine: AsyncEngine, engine: Engine, broker: AsyncRedis, queued_run: UUID
) -> None:
    outbox = Outbox(async_engine, TaskDispatcher(configure_celery(settings), broker), lease_seconds=3_600)
    assert claim_run(engine, queued_run, lease_seconds=60, max_attempts=3)
    with engine.begin() as connection:
        connection.execute(update(Run).values(lease_until=text("now() - interval '1 s'")))
    age(engine, 10, is_sent=True)
    outbox.note_outage()
    assert await outbox.sweep() == 0
    age(engine, 10, is_sent=False)
    assert await outbox.sweep() == 1, "what never left waits for no lease"


async def test_a_broker_that_is_away_costs_nothing_but_time(
    settings: Settings, async_engine: AsyncEngine, engine: Engine, queued_run: UUID
) -> None:
    async with open_async_redis("redis://127.0.0.1:1/1") as nowhere:
        outbox = Outbox(async_engine, TaskDispatcher(configure_celery(settings), nowhere), lease_seconds=1.5)
        async with outbox.running():
            outbox.send_soon(WakeUp("riverrun.test", QUEUE, queued_run))
            await wait_until_async(outbox._fresh.empty)
        age(engine, 2, is_sent=False)
        with pytest.raises(RedisError):
            await outbox.sweep()
    assert sent_at(engine) is None


@pytest.mark.parametrize(
    ("revision", "words"), [(None, "has no tables yet: run riverrun migrate"), (OLDER, "of an older release")]
)
async def test_a_sweep_without_its_tables_says_what_to_do_and_shows_no_statement(
    revision: str | None,
    words: str,
    settings: Settings,
    empty_database_url: str,
    broker: AsyncRedis,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbox_module, "SWEEP_SECONDS", 0.01)
    if revision:
        with psycopg.connect(empty_database_url, autocommit=True) as connection:
            connection.execute(f"CREATE TABLE alembic_version AS SELECT '{revision}' AS version_num")
    engine = open_async_engine(empty_database_url)
    try:
        outbox = Outbox(engine, TaskDispatcher(configure_celery(settings), broker), lease_seconds=1.5)
        async with outbox.running():
            await wait_until_async(lambda: caplog.messages)
    finally:
        await engine.dispose()
    assert caplog.messages[0].startswith("sweep put off: ")
    assert words in caplog.messages[0]
    assert "SELECT" not in caplog.messages[0]
