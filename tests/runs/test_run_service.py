"""Runs as the API creates them, between what workers do at the same instant."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.support.lock_waits import waiting_for_locks
from tests.support.stories import make_run
from tests.support.waiting import wait_until_async

from riverrun.kit.ids import new_uuid
from riverrun.runs import statements
from riverrun.runs.lease import claim_run
from riverrun.runs.models import IfBusy, Run, RunKind, RunStatus
from riverrun.runs.run_service import AsyncRunService, CreatedRun


@pytest.mark.parametrize("if_busy", [IfBusy.INTERRUPT, IfBusy.ROLLBACK])
async def test_a_run_that_comes_as_the_one_before_it_ends_is_woken_at_once(
    async_engine: AsyncEngine, engine: Engine, user_id: UUID, if_busy: IfBusy
) -> None:
    subject_id = new_uuid()
    first = make_run(engine, user_id, subject_id=subject_id)
    assert claim_run(engine, first, lease_seconds=60, max_attempts=3)
    with engine.begin() as worker:
        worker.execute(select(Run.id).where(Run.id == first).with_for_update())
        creating = asyncio.create_task(create(async_engine, user_id, subject_id, if_busy))
        await wait_until_async(lambda: waiting_for_locks(engine))
        end = statements.end_run(first, status=RunStatus.COMPLETED, end_seq=2, error=None, result=None)
        worker.execute(end)
    created = await creating
    assert created.wake_up is not None
    assert created.wake_up.run_id == created.run.id


async def create(engine: AsyncEngine, user_id: UUID, subject_id: UUID, if_busy: IfBusy) -> CreatedRun:
    async with AsyncSession(engine, expire_on_commit=False) as session:
        created = await AsyncRunService(session).create(
            kind=RunKind.ANSWER,
            subject_id=subject_id,
            user_id=user_id,
            owner_id=user_id,
            payload={"title": "a test"},
            task="riverrun.test",
            queue="riverrun_test",
            if_busy=if_busy,
        )
        await session.commit()
        return created
