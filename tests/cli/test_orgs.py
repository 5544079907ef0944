"""``riverrun orgs`` over the real API: made, filled and emptied by name."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import Engine, update
from tests.support.stories import make_user
from typer.testing import CliRunner

from riverrun.auth.sign_in import issue_bearer_token
from riverrun.cli.orgs import orgs
from riverrun.kit.clock import now
from riverrun.users.models import User


@pytest.fixture
async def signed_in(base_url: str, engine: Engine, user_id: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line has an address and a token; a colleague has an account."""
    make_user(engine, "colleague@example.org")
    with engine.begin() as connection:
        connection.execute(update(User).values(email_verified_at=now()))
    monkeypatch.setenv("RIVERRUN_URL", base_url)
    monkeypatch.setenv("RIVERRUN_TOKEN", issue_bearer_token(engine, user_id, "test"))


async def run(*words: str) -> str:
    """The command's words; it runs beside the loop that serves it."""
    result = await asyncio.to_thread(CliRunner().invoke, orgs, list(words))
    return result.output if result.exit_code == 0 else f"failed: {result.output}"


async def test_an_organisation_is_made_filled_and_emptied_by_name(signed_in: None) -> None:
    assert "no organisations yet" in await run("list")
    made = await run("create", "The team")
    assert UUID(made.strip())
    assert await run("add", "the TEAM", "Colleague@example.org", "--role", "admin") == "added\n"
    shown = " ".join((await run("list")).split())
    assert "The team" in shown
    assert "colleague@example.org (admin)" in shown.replace(" @", "@")
    assert await run("remove", "The team", "COLLEAGUE@example.org") == "removed\n"
    assert "colleague" not in await run("list")


async def test_who_is_invited_is_listed_and_invited_no_more(signed_in: None, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(update(User).values(is_administrator=True))
    await run("create", "The team")
    assert "still to come" in await run("invitations", "The team")
    assert await run("add", "The team", "new@example.org") == "invited\n"
    assert "new@example.org (member), until 20" in await run("invitations", "The team")
    assert await run("withdraw", "The team", "New@example.org") == "withdrawn\n"
    assert "no invitation to The team" in await run("withdraw", "The team", "new@example.org")


async def test_names_that_do_not_say_which_are_refused(signed_in: None) -> None:
    assert "no organisation called elsewhere" in await run("add", "elsewhere", "a@example.org")
    ids = [(await run("create", "Twin")).strip() for _ in range(2)]
    assert "by its id" in await run("remove", "Twin", "colleague@example.org")
    assert await run("add", ids[1], "colleague@example.org") == "added\n"
    assert "no member of" in await run("remove", ids[0], "colleague@example.org")


async def test_what_the_server_refuses_is_said(signed_in: None) -> None:
    made = (await run("create", "The team")).strip()
    assert "administrator" in await run("add", made, "nobody@example.org")
