"""A question that waited while its asker lost the right to ask is not answered, costs nothing, and reads nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine, select, update
from tests.conversations.sharing_party import V1, Party, link_header, party_at
from tests.support.asking import answer, ask, messages
from tests.support.live_api import read_sse
from tests.support.usage_ledger import assert_balanced, entries

from riverrun.infra.worker_resources import WorkerResources
from riverrun.kit.clock import now
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


async def assert_refused(party: Party, engine: Engine, run_id: str) -> None:
    with engine.connect() as connection:
        run = connection.execute(select(Run.status, Run.error).where(Run.id == UUID(run_id))).one()
    assert (run.status, run.error["title"]) == ("error", LOST)
    assert entries(engine)[UUID(run_id)].state == "released"
    assert_balanced(engine)
    events = [kind for _, kind, _ in await read_sse(party.owner, f"{V1}/runs/{run_id}/events")]
    assert events == ["queued", "started", "end"]
    assert [one["type"] for one in await messages(party.owner, party.conversation)][-1] == "HUMAN"


def _change(engine: Engine, **values: object) -> None:
    with engine.begin() as connection:
        connection.execute(update(User).where(User.email == "ann@example.org").values(**values))
