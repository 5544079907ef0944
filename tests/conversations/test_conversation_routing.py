"""Waiting for a whole answer: not longer than the client does, and not past the run's error."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.conversations.sharing_party import Party, party_at
from tests.support.asking import answer, contents, says, says_and_fails
from tests.support.permits import OpenPermit
from tests.support.waiting import wait_until_async

from riverrun.conversations.conversation_routing import CLIENT_GONE, start_celery_task_and_wait
from riverrun.conversations.conversation_service import Accepted
from riverrun.infra.worker_resources import WorkerResources
from riverrun.runs.models import Run
from riverrun.runs.run_service import CreatedRun
from riverrun.streaming.hub import StreamHub


@pytest.fixture
async def session(async_engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    async with AsyncSession(async_engine, expire_on_commit=False) as session:
        yield session


async def test_a_client_that_leaves_is_waited_for_no_longer(
    session: AsyncSession, hub: StreamHub, queued_run: UUID
) -> None:
    leaves = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await leaves.wait()
        return {"type": "http.disconnect"}

    accepted = Accepted(CreatedRun(await session.get_one(Run, queued_run), None), None, (), False)
    await session.commit()
    answering = start_celery_task_and_wait(accepted, session, hub, OpenPermit(), receive)
    waiting = asyncio.create_task(answering)
    await wait_until_async(lambda: hub.readers == 1)
    leaves.set()
    response = await waiting
    assert response.status_code == CLIENT_GONE
    await wait_until_async(lambda: hub.readers == 0)
    await session.refresh(accepted.run)
    assert accepted.run.status == "queued", "the run goes on"


async def test_an_answer_that_nobody_waits_for_any_more_is_kept(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources
) -> None:
    waiting = asyncio.create_task(
        client.post(f"{conversation}/message?stream=false", json={"content": "Why?"})
    )
    run_id = await wait_until_async(lambda: run_under_way(client, conversation))
    waiting.cancel()
    await asyncio.wait([waiting])
    await answer(worker, run_id, says("kept"))
    assert await contents(client, conversation) == ["Why?", "kept"]


async def test_a_run_that_fails_is_an_error_and_no_half_answer(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources
) -> None:
    waiting = asyncio.create_task(
        client.post(f"{conversation}/message?stream=false", json={"content": "Why?"})
    )
    run_id = await wait_until_async(lambda: run_under_way(client, conversation))
    await answer(worker, run_id, says_and_fails("half"))
    response = await waiting
    assert (response.status_code, response.json()["run_id"]) == (502, run_id)
    assert "half" not in response.text
    assert await contents(client, conversation) == ["Why?", "half"]


async def shut_out_of_the_conversation(party: Party) -> None:
    await party.remove("ann@example.org")


async def shut_out_of_the_repository(party: Party) -> None:
    gone = {"emails": ["ann@example.org"]}
    path = f"/api/v1/projects/{party.project_id}/access"
    assert (await party.owner.request("DELETE", path, json=gone)).status_code == 200


async def sign_out(party: Party) -> None:
    await party.ann.post("/api/v1/logout")


@pytest.mark.parametrize("take_away", [shut_out_of_the_conversation, shut_out_of_the_repository, sign_out])
async def test_who_may_not_read_it_any_more_waits_for_no_whole_answer(
    base_url: str,
    engine: Engine,
    client: httpx2.AsyncClient,
    conversation: str,
    project_id: UUID,
    take_away: Callable[[Party], Awaitable[None]],
) -> None:
    """Nobody answers the run: only the loss of the right can end the wait."""
    async with party_at(base_url, engine, client, conversation, project_id) as party:
        await party.share("ann@example.org", role="ask")
        await party.share_project("ann@example.org")
        waiting = asyncio.create_task(
            party.ann.post(f"{conversation}/message?stream=false", json={"content": "Why?"})
        )
        await wait_until_async(lambda: run_under_way(client, conversation))
        await take_away(party)
        response = await waiting
        assert (response.status_code, response.json()["type"]) == (404, "/problems/not-found")


async def run_under_way(client: httpx2.AsyncClient, conversation: str) -> Any:
    return (await client.get(f"{conversation}/info")).json()["run_id"]
