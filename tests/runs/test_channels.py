"""What an API process tells Redis is worth no wait."""

import httpx2
import pytest
from sqlalchemy import Engine, select
from tests.support.asking import ask

from riverrun.infra.redis_clients import SyncRedis
from riverrun.infra.settings import Settings
from riverrun.runs.models import Run


async def test_a_silent_redis_is_not_waited_for_once_for_each_run_that_ends(
    client: httpx2.AsyncClient, conversation: str, settings: Settings, sync_redis: SyncRedis, engine: Engine
) -> None:
    for _ in range(settings.max_waiting_runs + 1):
        await ask(client, conversation, if_busy="enqueue")
    sync_redis.client_pause(60_000, all=False)
    try:
        asked = await ask(client, conversation, if_busy="interrupt")
    except httpx2.TimeoutException:
        pytest.fail("the answer to the question waits for Redis")
    finally:
        sync_redis.client_unpause()
    assert asked.status_code == 202
    with engine.connect() as connection:
        statuses = connection.scalars(select(Run.status).order_by(Run.number)).all()
    assert statuses == ["cancelled"] * (settings.max_waiting_runs + 1) + ["queued"]
