"""The line before a subject: one works, the others wait in the order in which they were accepted."""

from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.support.run_reading import expire_lease
from tests.support.stories import make_run

from riverrun.infra.celery_app import broker_url, configure_celery
from riverrun.infra.redis_clients import AsyncRedis, SyncRedis, open_async_redis, open_redis
from riverrun.infra.settings import Settings
from riverrun.infra.task_dispatch import TaskDispatcher
from riverrun.infra.worker_resources import WorkerResources
from riverrun.kit.ids import new_uuid
from riverrun.runs.lease import claim_run
from riverrun.runs.models import OutboxEntry, Run
from riverrun.runs.outbox import Outbox
from riverrun.runs.performance import perform_run
from riverrun.runs.succession import wake_next

QUEUE = "riverrun_test"


@pytest.fixture
def line(engine: Engine, user_id: UUID) -> list[UUID]:
    """Three runs of one subject."""
    subject_id = new_uuid()
    return [make_run(engine, user_id, subject_id=subject_id) for _ in range(3)]


@pytest.fixture
async def outbox(settings: Settings, async_engine: AsyncEngine) -> AsyncIterator[Outbox]:
    async with open_async_redis(broker_url(settings)) as broker:
        yield outbox_over(settings, async_engine, broker)


@pytest.fixture
def broker(settings: Settings) -> Iterator[SyncRedis]:
    with open_redis(broker_url(settings)) as broker:
        yield broker


def outbox_over(settings: Settings, engine: AsyncEngine, broker: AsyncRedis) -> Outbox:
    return Outbox(engine, TaskDispatcher(configure_celery(settings), broker), lease_seconds=1.5)


def claim(engine: Engine, run_id: UUID) -> object:
    return claim_run(engine, run_id, lease_seconds=60, max_attempts=3)


def end(worker: WorkerResources, run_id: UUID) -> None:
    perform_run(run_id, worker, lambda _: None, lambda *_: None)


def age(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(update(OutboxEntry).values(created_at=text("now() - interval '1 minute'")))


def sent(engine: Engine) -> list[UUID]:
    with engine.connect() as connection:
        return list(connection.scalars(select(OutboxEntry.run_id).where(OutboxEntry.sent_at.is_not(None))))


def test_runs_are_claimed_in_their_order_and_one_at_a_time(
    worker: WorkerResources, engine: Engine, line: list[UUID]
) -> None:
    for place, run_id in enumerate(line):
        assert [claim(engine, later) for later in line[place + 1 :]] == [None] * (2 - place)
        end(worker, run_id)
    with engine.connect() as connection:
        assert set(connection.scalars(select(Run.status))) == {"completed"}


def test_a_lost_worker_keeps_the_line_closed(engine: Engine, line: list[UUID]) -> None:
    assert claim(engine, line[0])
    expire_lease(engine, line[0])
    assert claim(engine, line[1]) is None
    assert claim(engine, line[0]), "somebody takes it over"


async def test_the_sweeper_wakes_only_the_first(
    outbox: Outbox, worker: WorkerResources, engine: Engine, line: list[UUID]
) -> None:
    age(engine)
    assert await outbox.sweep() == 1
    assert sent(engine) == [line[0]]
    end(worker, line[0])
    assert await outbox.sweep() == 1
    assert sent(engine) == [line[1]]


def test_a_worker_that_ended_a_run_wakes_the_next(
    worker: WorkerResources, engine: Engine, settings: Settings, line: list[UUID], broker: SyncRedis
) -> None:
    app = configure_celery(settings)
    wake_next(app, engine, line[0])
    assert sent(engine) == [line[0]], "it is its own turn still"
    end(worker, line[0])
    wake_next(app, engine, line[0])
    assert sent(engine) == [line[1]]
    assert broker.llen(QUEUE) == 2
    assert claim(engine, line[1])
    wake_next(app, engine, line[0])
    assert broker.llen(QUEUE) == 2, "the next one has its worker"


def test_without_a_broker_the_next_one_is_left_to_the_sweeper(
    worker: WorkerResources, engine: Engine, settings: Settings, line: list[UUID]
) -> None:
    nowhere = settings.model_copy(update={"broker_url": "redis://127.0.0.1:1/1"})
    end(worker, line[0])
    wake_next(configure_celery(nowhere), engine, line[0])
    assert sent(engine) == []
