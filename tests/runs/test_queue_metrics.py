"""What waits is told with its age, and a server that is away is said to be."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import Engine, text, update
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.support.scraping import Scrape
from tests.support.stories import make_run

from riverrun.infra.celery_app import broker_url, configure_celery
from riverrun.infra.database import open_async_engine
from riverrun.infra.metrics_text import written
from riverrun.infra.redis_clients import AsyncRedis, open_async_redis
from riverrun.infra.settings import Settings
from riverrun.infra.task_dispatch import TaskDispatcher, WakeUp
from riverrun.kit.free_port import free_port
from riverrun.kit.ids import new_uuid
from riverrun.runs.lease import claim_run
from riverrun.runs.models import OutboxEntry
from riverrun.runs.queue_metrics import QueueMetrics

QUEUE = "riverrun_test"


@pytest.fixture
async def broker(settings: Settings) -> AsyncIterator[AsyncRedis]:
    async with open_async_redis(broker_url(settings)) as client:
        yield client


@pytest.fixture
def dispatcher(settings: Settings, broker: AsyncRedis) -> TaskDispatcher:
    return TaskDispatcher(configure_celery(settings), broker)


async def scrape(metrics: QueueMetrics) -> Scrape:
    return Scrape((await written(await metrics.families())).decode())


async def test_what_waits_is_told_with_its_age(
    async_engine: AsyncEngine, dispatcher: TaskDispatcher, engine: Engine, user_id: UUID
) -> None:
    subject_id = new_uuid()
    first, _second = (make_run(engine, user_id, subject_id=subject_id) for _ in range(2))
    with engine.begin() as connection:
        connection.execute(update(OutboxEntry).values(created_at=text("now() - interval '60 s'")))
    metrics = QueueMetrics(async_engine, dispatcher, [QUEUE])
    seen = await scrape(metrics)
    assert seen.value("riverrun_runs_active", kind="answer", status="queued") == 2
    assert seen.value("riverrun_outbox_wake_ups", queue=QUEUE, state="unsent") == 1
    assert seen.value("riverrun_outbox_wake_ups", queue=QUEUE, state="in_line") == 1
    assert (seen.value("riverrun_outbox_oldest_unsent_seconds", queue=QUEUE) or 0) >= 60
    await dispatcher.send([WakeUp("riverrun.test", QUEUE, first)])
    with engine.begin() as connection:
        connection.execute(
            update(OutboxEntry).where(OutboxEntry.run_id == first).values(sent_at=text("now()"))
        )
    claim_run(engine, first, lease_seconds=15, max_attempts=3)
    seen = await scrape(metrics)
    assert seen.value("riverrun_runs_active", kind="answer", status="running") == 1
    assert seen.value("riverrun_outbox_wake_ups", queue=QUEUE, state="sent") == 1
    assert seen.value("riverrun_outbox_oldest_unsent_seconds", queue=QUEUE) == 0
    assert seen.value("riverrun_queue_messages", queue=QUEUE) == 1
    assert seen.value("riverrun_server_up", server="postgres") == 1


async def test_a_server_that_is_away_is_said_to_be_and_the_other_is_asked_all_the_same(
    settings: Settings, dispatcher: TaskDispatcher
) -> None:
    nowhere = open_async_engine(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")
    seen = await scrape(QueueMetrics(nowhere, dispatcher, [QUEUE]))
    await nowhere.dispose()
    assert seen.value("riverrun_server_up", server="postgres") == 0
    assert seen.value("riverrun_server_up", server="broker") == 1
    assert seen.value("riverrun_queue_messages", queue=QUEUE) == 0
    assert "riverrun_outbox_wake_ups" in seen.families
