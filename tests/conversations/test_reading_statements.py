"""The statements of rights read by indexes, and it is their condition that keeps strangers out."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine, Select, select, text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.conversations.sharing_party import V1, Party, party_at
from tests.support.asking import ask

from riverrun.auth.loss_statements import losses_within, still_readable, values_of
from riverrun.auth.principal import Principal, caller, shared_with
from riverrun.conversations import reading_statements, session_statements
from riverrun.conversations.info_statement import CONVERSATION_INFO
from riverrun.conversations.models import Conversation
from riverrun.conversations.reading_statements import (
    SOME_READABLE_RUNS,
    VIEWED_CONVERSATION,
    still_readable_runs,
)
from riverrun.infra.straight_read import StraightRead
from riverrun.kit.ids import new_uuid

SOMEBODY = Principal(new_uuid(), "", "", False, "someone@example.org", new_uuid(), ("a", "b"))


@pytest.fixture
async def party(
    base_url: str, engine: Engine, client: httpx2.AsyncClient, conversation: str, project_id: UUID
) -> AsyncIterator[Party]:
    async with party_at(base_url, engine, client, conversation, project_id) as party:
        yield party


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (VIEWED_CONVERSATION, {**caller(SOMEBODY), "conversation_id": new_uuid()}),
        (CONVERSATION_INFO.statement, {**caller(SOMEBODY), "conversation_id": new_uuid()}),
        (SOME_READABLE_RUNS, {**caller(SOMEBODY), "run_ids": [new_uuid()]}),
        (still_readable(still_readable_runs), values_of([(0, SOMEBODY, new_uuid())])),
        (select(Conversation).where(Conversation.id.in_(shared_with(SOMEBODY))), {}),
        (losses_within(timedelta(seconds=10)), {}),
    ],
    ids=["conversation", "info", "runs", "watched", "shared", "losses"],
)
async def test_rights_are_looked_up_by_indexes_alone(
    async_engine: AsyncEngine, statement: Any, values: dict[str, Any]
) -> None:
    async with async_engine.connect() as connection:
        await connection.execute(text("SET enable_seqscan = off"))
        compiled = statement.params(values).compile(async_engine, compile_kwargs={"literal_binds": True})
        typed = re.sub(r"(ARRAY\['[0-9a-f-]{36}'\])", r"\1::uuid[]", str(compiled))
        plan = "\n".join((await connection.execute(text(f"EXPLAIN {typed}"))).scalars())
    assert "Seq Scan" not in plan, plan
    assert "Index" in plan


async def test_without_its_condition_a_statement_would_show_a_stranger_everything(
    party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The probes by which the other tests find strangers refused do see it when nobody is."""
    run_id = (await ask(party.owner, party.conversation)).json()["run_id"]
    probes = [
        f"{party.conversation}/info",
        f"{party.conversation}/messages",
        f"{V1}/runs/{run_id}",
        f"{party.conversation}/task-status",
    ]
    assert [(await party.bob.get(path)).status_code for path in probes] == [404] * len(probes)
    for module, name in (
        ("conversation_views", "VIEWED_CONVERSATION"),
        ("run_reading", "SOME_READABLE_RUNS"),
        ("session_service", "SESSION"),
    ):
        whole = getattr(reading_statements, name, None)
        whole = getattr(session_statements, name) if whole is None else whole
        monkeypatch.setattr(f"riverrun.conversations.{module}.{name}", without_rights(whole))
    info = StraightRead(without_rights(CONVERSATION_INFO.statement))
    monkeypatch.setattr("riverrun.conversations.conversation_views.CONVERSATION_INFO", info)
    assert [(await party.bob.get(path)).status_code for path in probes] == [200] * len(probes)


def without_rights(statement: Select[Any]) -> Select[Any]:
    """The same statement, whoever asks."""
    kept = [part for part in statement._where_criteria if "caller_id" not in str(part)]
    assert len(kept) == len(statement._where_criteria) - 1
    unscoped = statement._generate()
    unscoped._where_criteria = tuple(kept)
    return unscoped
