"""The operator looks after accounts from the command line, on the server's own database."""

from collections.abc import AsyncIterator, Callable

import pytest
from sqlalchemy import Engine, select, update
from tests.support.live_api import client_of, serving
from tests.support.visitors import GOOD_PASSWORD, account_of, log_in, new_person, sign_up
from typer.testing import CliRunner, Result

from riverrun.auth.revocations import Revocation
from riverrun.cli.users import users
from riverrun.infra.settings import Settings
from riverrun.kit.clock import now
from riverrun.users.models import User

BOB = "bob@example.org"
Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Calls ``riverrun users ...`` for the test's database."""
    monkeypatch.setenv("RIVERRUN_DATABASE_URL", settings.database_url or "")
    monkeypatch.setenv("RIVERRUN_REDIS_URL", settings.redis_url or "")
    monkeypatch.setenv("RIVERRUN_PUBLIC_URL", "https://riverrun.example")
    monkeypatch.setenv("COLUMNS", "200")
    runner = CliRunner()
    return lambda *words: runner.invoke(users, list(words))


@pytest.fixture
async def base_url(settings: Settings) -> AsyncIterator[str]:
    async with serving(settings) as url:
        await sign_up(url, "first@example.org")
        yield url


def token_in(result: Result, errand: str) -> str:
    assert result.exit_code == 0, result.output
    link = result.stdout.strip()
    assert link.startswith(f"https://riverrun.example/#{errand}=")
    return link.partition("=")[2]


async def test_an_account_that_was_added_is_opened_by_its_link(base_url: str, run: Run) -> None:
    token = token_in(run("add", "Bob@example.org", "--name", "Bob", "--admin"), "password-reset")
    async with client_of(base_url) as bob:
        set_password = {"token": token, "password": GOOD_PASSWORD}
        assert (await bob.post("/api/v1/password-reset/confirm", json=set_password)).status_code == 204
        bob.headers["authorization"] = f"Bearer {(await log_in(base_url, BOB)).json()['token']}"
        account = await account_of(bob)
    assert (account["display_name"], account["is_administrator"], account["email_verified"]) == (
        "Bob",
        True,
        True,
    )
    assert run("add", BOB).exit_code == 1


async def test_somebody_who_was_invited_makes_the_account(base_url: str, run: Run) -> None:
    token = token_in(run("invite", BOB), "invitation")
    async with new_person(base_url, BOB, invitation=token) as bob:
        assert (await account_of(bob))["email_verified"] is True
    assert run("invite", BOB).exit_code == 1


async def test_a_disabled_account_is_shut_at_once_and_opened_again(
    base_url: str, run: Run, engine: Engine
) -> None:
    token = token_in(run("invite", BOB), "invitation")
    async with new_person(base_url, BOB, invitation=token) as bob:
        assert run("disable", "BOB@example.org").exit_code == 0
        assert (await bob.get("/api/v1/account/me")).status_code == 401
        with engine.connect() as connection:
            bobs_id = connection.execute(select(User.id).where(User.email == BOB)).scalar_one()
            assert connection.execute(select(Revocation.user_id)).scalars().all() == [bobs_id]
        assert "disabled" in run("list").stdout
        assert run("enable", BOB).exit_code == 0
        assert (await bob.get("/api/v1/account/me")).status_code == 200


async def test_the_last_administrator_is_not_disabled(base_url: str, run: Run) -> None:
    refused = run("disable", "first@example.org")
    assert refused.exit_code == 1
    assert "is the only administrator" in refused.output
    run("add", BOB, "--admin")
    assert run("disable", "first@example.org").exit_code == 0
    assert run("disable", "first@example.org").exit_code == 0
    assert run("disable", BOB).exit_code == 1


@pytest.mark.parametrize("word", ["", "bob", "a b@c", f"x@{'y' * 300}"])
@pytest.mark.parametrize("command", ["add", "invite"])
def test_what_is_no_address_gets_no_account(run: Run, command: str, word: str) -> None:
    result = run(command, word)
    assert result.exit_code == 1
    assert "is not an e-mail address" in result.output
    assert "@" not in run("list").stdout


async def test_a_lost_password_is_set_by_a_link_from_the_operator(base_url: str, run: Run) -> None:
    token = token_in(run("reset-link", "first@example.org"), "password-reset")
    async with client_of(base_url) as anybody:
        set_password = {"token": token, "password": "a new one for the first"}
        assert (await anybody.post("/api/v1/password-reset/confirm", json=set_password)).status_code == 204
    assert (await log_in(base_url, "first@example.org", "a new one for the first")).status_code == 200


async def test_the_operator_vouches_and_appoints(base_url: str, run: Run) -> None:
    assert "not verified" in run("list").stdout
    assert run("verify", "first@example.org").exit_code == 0
    assert "not verified" not in run("list").stdout
    run("add", BOB)
    assert run("make-admin", BOB).exit_code == 0
    assert run("list").stdout.count("administrator") == 2


@pytest.mark.parametrize("command", ["add", "verify"])
async def test_who_is_vouched_for_is_let_in_where_they_were_invited(
    open_url: str, run: Run, engine: Engine, command: str
) -> None:
    async with new_person(open_url, "ann@example.org") as ann:
        team = (await ann.post("/api/v1/organisations", json={"name": "The team"})).json()["id"]
        members = f"/api/v1/organisations/{team}/members"
        if command == "verify":
            await sign_up(open_url, BOB)
        invited = await ann.post(members, json={"email": BOB, "role": "admin"})
        assert invited.json()["is_invited"] is True
        assert run(command, "Bob@example.org").exit_code == 0
        roles = {one["email"]: one["role"] for one in (await ann.get(members)).json()}
        assert roles == {"ann@example.org": "owner", BOB: "admin"}
        assert (await ann.get(f"/api/v1/organisations/{team}/invitations")).json() == []


async def test_an_invitation_that_waits_for_a_verified_address_is_kept_when_it_is_vouched_for_again(
    open_url: str, run: Run, engine: Engine
) -> None:
    """An earlier release verified addresses and left their invitations waiting."""
    async with new_person(open_url, "ann@example.org") as ann:
        team = (await ann.post("/api/v1/organisations", json={"name": "The team"})).json()["id"]
        members = f"/api/v1/organisations/{team}/members"
        await sign_up(open_url, BOB)
        assert (await ann.post(members, json={"email": BOB})).json()["is_invited"] is True
        with engine.begin() as connection:
            connection.execute(update(User).where(User.email == BOB).values(email_verified_at=now()))
        assert run("verify", BOB).exit_code == 0
        assert BOB in {one["email"] for one in (await ann.get(members)).json()}


@pytest.mark.parametrize("command", ["disable", "enable", "verify", "reset-link", "make-admin"])
def test_an_unknown_address_is_told_in_words(run: Run, command: str) -> None:
    result = run(command, "nobody@example.org")
    assert result.exit_code == 1
    assert "nobody has the address nobody@example.org" in result.output
