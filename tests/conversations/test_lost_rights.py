"""A question that waited while its asker lost the right to ask, or what it is about, is not answered, and costs nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session
from tests.conversations.sharing_party import V1, Party, link_header, party_at
from tests.support.asking import answer, ask, messages, says
from tests.support.live_api import read_sse
from tests.support.usage_ledger import assert_balanced, entries

from riverrun.infra.worker_resources import WorkerResources
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.parsing.models import Project
from riverrun.runs.models import Run
from riverrun.users.models import User

LOST = "Whoever asked may not ask here any more"


@pytest.fixture
async def party(
    base_url: str, engine: Engine, client: httpx2.AsyncClient, conversation: str, project_id: UUID
) -> AsyncIterator[Party]:
    async with party_at(base_url, engine, client, conversation, project_id) as party:
        await party.share("ann@example.org", role="ask")
        await party.share_project("ann@example.org")
        yield party


async def loses_the_share(party: Party, _: Engine) -> None:
    await party.remove("ann@example.org")


async def may_only_look(party: Party, _: Engine) -> None:
    await party.share("ann@example.org", role="view")


async def is_disabled(_: Party, engine: Engine) -> None:
    await asyncio.to_thread(_change, engine, disabled_at=now())


async def has_another_address(_: Party, engine: Engine) -> None:
    await asyncio.to_thread(_change, engine, email_verified_at=None)


@pytest.mark.parametrize("loss", [loses_the_share, may_only_look, is_disabled, has_another_address])
async def test_who_may_not_ask_any_more_gets_no_answer(
    party: Party,
    worker: WorkerResources,
    engine: Engine,
    loss: Callable[[Party, Engine], Awaitable[None]],
) -> None:
    run_id = str((await ask(party.ann, party.conversation)).json()["run_id"])
    await loss(party, engine)
    await answer(worker, run_id)
    await assert_refused(party, engine, run_id)


async def test_who_came_by_a_link_is_answered_until_it_is_taken_back(
    party: Party, worker: WorkerResources, engine: Engine
) -> None:
    await party.share_project("bob@example.org")
    shared = await party.share(visibility="public", role="ask")
    header = link_header(shared)
    first = str((await ask(party.bob, party.conversation, **header)).json()["run_id"])
    await answer(worker, first)
    with engine.connect() as connection:
        assert connection.scalar(select(Run.status).where(Run.id == UUID(first))) == "completed"
    second = str((await ask(party.bob, party.conversation, **header)).json()["run_id"])
    gone = await party.owner.delete(f"{party.conversation}/links/{shared['link']['id']}")
    assert gone.is_success
    await answer(worker, second)
    await assert_refused(party, engine, second)


async def test_what_waited_while_its_only_repository_was_removed_is_refused_as_a_new_question_is(
    client: httpx2.AsyncClient, conversation: str, project_id: UUID, worker: WorkerResources, engine: Engine
) -> None:
    first = str((await ask(client, conversation)).json()["run_id"])
    waiting = str((await ask(client, conversation, if_busy="enqueue")).json()["run_id"])
    await answer(worker, first, says("while it was there"))
    assert (await client.delete(f"{V1}/projects/{project_id}")).is_success
    await answer(worker, waiting)
    refused = (await ask(client, conversation)).json()
    assert error_of_free(engine, waiting)["detail"] == refused["detail"]
    assert entries(engine)[UUID(first)].state == "settled"


async def test_a_waiting_question_is_answered_out_of_the_repositories_that_are_left(
    client: httpx2.AsyncClient, project_id: UUID, worker: WorkerResources, engine: Engine, user_id: UUID
) -> None:
    left = Project(id=new_uuid(), user_id=user_id, repo_name="left", source="/left", indexed_at=now())
    with Session(engine, expire_on_commit=False) as session, session.begin():
        session.add(left)
    both = [str(project_id), str(left.id)]
    begun = (await client.post(f"{V1}/conversations", json={"project_ids": both})).json()
    run_id = str((await ask(client, f"{V1}/conversations/{begun['conversation_id']}")).json()["run_id"])
    assert (await client.delete(f"{V1}/projects/{project_id}")).is_success
    await answer(worker, run_id)
    with engine.connect() as connection:
        assert connection.scalar(select(Run.status).where(Run.id == UUID(run_id))) == "completed"


async def assert_refused(party: Party, engine: Engine, run_id: str) -> None:
    assert error_of_free(engine, run_id)["title"] == LOST
    events = [kind for _, kind, _ in await read_sse(party.owner, f"{V1}/runs/{run_id}/events")]
    assert events == ["queued", "started", "end"]
    assert [one["type"] for one in await messages(party.owner, party.conversation)][-1] == "HUMAN"


def error_of_free(engine: Engine, run_id: str) -> dict[str, str]:
    """The error of a run that ended in one, whose question was given back."""
    with engine.connect() as connection:
        run = connection.execute(select(Run.status, Run.error).where(Run.id == UUID(run_id))).one()
    assert run.status == "error"
    assert entries(engine)[UUID(run_id)].state == "released"
    assert_balanced(engine)
    return dict(run.error)


def _change(engine: Engine, **values: object) -> None:
    with engine.begin() as connection:
        connection.execute(update(User).where(User.email == "ann@example.org").values(**values))
