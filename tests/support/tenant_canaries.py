"""Tenants that are there only to be betrayed: each one's rows hold a word of its own, which nobody else may ever be sent."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session
from tests.authz.principals import make_people
from tests.authz.rows import PATH, plant

from riverrun.cli.stack import Stack
from riverrun.conversations.models import Conversation
from riverrun.infra.database import open_engine
from riverrun.runs.models import Run
from riverrun.usage.models import UsageEntry

PREFIX = "Bearer "
Ask = Callable[[str, str], str]
"""All that comes back, headers included, for a path below ``/api/v1`` and a token."""


@dataclass(frozen=True)
class Tenant:
    """An account with one of everything. ``canary`` is in each of its rows; ``secrets`` open its doors."""

    canary: str
    token: str
    secrets: tuple[str, ...]
    paths: tuple[str, ...]
    """Where its rows are shown: by lists, and by their ids."""


def plant_tenant(database_url: str) -> Tenant:
    """Make the account and its rows. No run of it waits: nobody works for it, and no balance counts it."""
    engine = open_engine(database_url, pool_size=1)
    try:
        return _plant(engine)
    finally:
        engine.dispose()


def _plant(engine: Engine) -> Tenant:
    people = make_people(engine)
    rows = plant(engine, people)
    with engine.begin() as connection:
        connection.execute(delete(UsageEntry).where(UsageEntry.agent_id == rows.canary))
        connection.execute(delete(Run).where(Run.id.in_((rows.owners_run_id, rows.askers_run_id))))
    token = people.doors["owner"]["v1"]["authorization"].removeprefix(PREFIX)
    conversation, run = f"conversations/{rows.conversation_id}", f"runs/{rows.ended_run_id}"
    return Tenant(
        canary=rows.canary,
        token=token,
        secrets=(token, *people.doors["owner"]["v2"].values(), *rows.links.values(), rows.linking_token),
        paths=(
            "conversations",
            "projects/list",
            "runs",
            "organisations",
            f"{conversation}/info",
            f"{conversation}/messages",
            f"{conversation}/messages/{rows.answer_id}",
            f"{run}/events",
            f"parsing-status/{rows.project_id}",
            f"projects/{rows.project_id}/file?path={PATH}",
        ),
    )


def betrayals(
    tenant: Tenant, ask: Ask, others: Iterable[str], words_of_others: Iterable[str]
) -> Iterator[str]:
    """Whoever of ``others`` (tokens) is sent the tenant's canary, and whatever of others' words the tenant is sent.

    That the tenant itself gets to read its canary is checked too: a canary that is nowhere would betray nothing.
    """
    foreign = tuple(words_of_others)
    for path in tenant.paths:
        own = ask(path, tenant.token)
        if tenant.canary not in own:
            yield f"{path} does not show the tenant's own rows to the tenant: {own[:200]}"
        yield from (f"{path} shows the tenant {word!r}" for word in foreign if word in own)
        for token in others:
            if tenant.canary in ask(path, token):
                yield f"{path} shows somebody else {tenant.canary}"


def betrayals_on(stack: Stack, tenant: Tenant, others: Iterable[str]) -> Iterator[str]:
    """All that a stack has given away: to whom of ``others`` (tokens), to the tenant, and to its logs."""
    tokens = tuple(others)

    def ask(path: str, token: str) -> str:
        headers = {"Authorization": f"Bearer {token}"}
        answer = httpx2.get(f"{stack.base_url}/api/v1/{path}", headers=headers, timeout=30)
        return f"{answer.headers}\n{answer.text}"

    engine = open_engine(stack.settings.require_database_url(), pool_size=1)
    try:
        with Session(engine) as session:
            titles = select(Conversation.id).where(Conversation.title != tenant.canary)
            foreign = [str(conversation_id) for conversation_id in session.scalars(titles)]
    finally:
        engine.dispose()
    yield from betrayals(tenant, ask, tokens, foreign)
    logs = list(stack.settings.data_dir.rglob("*.log"))
    if not logs:
        yield "there is no log to look into"
    yield from secrets_told((tenant.canary, *tenant.secrets, *tokens), logs)


def secrets_told(secrets: Iterable[str], logs: Iterable[Path]) -> Iterator[str]:
    """Each log that holds a secret."""
    wanted = [secret.encode() for secret in secrets]
    for log in logs:
        written = log.read_bytes()
        yield from (f"{log.name} holds {secret[:6]!r}..." for secret in wanted if secret in written)
