"""An indexing that the API itself has ended, because no worker held it, leaves its project as a worker would."""

from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine, update
from tests.support.asking import ask
from tests.support.run_reading import expire_lease, hot
from tests.support.stories import make_run

from riverrun.infra.redis_clients import SyncRedis
from riverrun.parsing.models import Project
from riverrun.runs.lease import claim_run
from riverrun.runs.models import RunKind


@pytest.mark.parametrize("had_a_worker", [False, True])
async def test_a_question_is_not_told_to_wait_for_an_indexing_that_was_stopped(
    client: httpx2.AsyncClient,
    conversation: str,
    project_id: UUID,
    engine: Engine,
    user_id: UUID,
    *,
    had_a_worker: bool,
) -> None:
    with engine.begin() as connection:
        connection.execute(update(Project).values(indexed_at=None, status="submitted"))
    run_id = make_run(engine, user_id, RunKind.INDEXING, project_id)
    if had_a_worker:
        claim_run(engine, run_id, lease_seconds=60, max_attempts=3)
        expire_lease(engine, run_id)
    assert (await client.post(f"/api/v1/runs/{run_id}/stop")).json()["status"] == "cancelled"
    refusal = await ask(client, conversation)
    assert refusal.status_code == 409
    assert "still being indexed" not in refusal.json()["detail"]
    assert "stopped" in refusal.json()["detail"]
    project = (await client.get(f"/api/v1/parsing-status/{project_id}")).json()
    assert (project["status"], project["run_id"]) == ("error", None)


async def test_a_reader_hears_at_once_of_an_indexing_that_ends_with_its_repository(
    client: httpx2.AsyncClient, project_id: UUID, engine: Engine, user_id: UUID, sync_redis: SyncRedis
) -> None:
    run_id = make_run(engine, user_id, RunKind.INDEXING, project_id)
    assert (await client.delete(f"/api/v1/projects/{project_id}")).status_code == 204
    assert [event.type for event in hot(sync_redis, run_id)] == ["queued", "end"]
