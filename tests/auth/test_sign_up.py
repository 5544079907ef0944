"""Whose the first account is, and which address nobody can sign up with."""

import asyncio

import httpx2
import pytest
from sqlalchemy import Engine, select
from tests.support.live_api import client_of
from tests.support.visitors import sign_up

from riverrun.auth.sign_in import ADMINISTRATOR_EMAIL, ensure_administrator, issue_one_time_token
from riverrun.infra.settings import Settings
from riverrun.users.models import User


async def options_of(base_url: str) -> httpx2.Response:
    async with client_of(base_url) as client:
        return await client.get("/api/v1/sign-in-options")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"sign_up": "invite"})


async def test_a_server_whose_operator_has_come_in_is_not_given_to_whoever_knocks_first(
    base_url: str, engine: Engine
) -> None:
    link = issue_one_time_token(engine, ensure_administrator(engine))
    assert (await options_of(base_url)).json()["sign_up"] == "first"
    async with client_of(base_url) as operator:
        await operator.get("/sign-in", params={"token": link})
    assert (await options_of(base_url)).json()["sign_up"] == "invite"
    assert (await sign_up(base_url, "mallory@example.org")).status_code == 403


async def test_of_many_that_sign_up_at_once_one_is_the_administrator(base_url: str, engine: Engine) -> None:
    made = await asyncio.gather(*[sign_up(base_url, f"guest{number}@example.org") for number in range(6)])
    assert sorted(answer.status_code for answer in made) == [201, 403, 403, 403, 403, 403]
    with engine.connect() as connection:
        assert connection.execute(select(User.is_administrator)).scalars().all() == [True]


async def test_nobody_signs_up_with_the_operators_address(base_url: str) -> None:
    """Links from the command line open the account that has it."""
    taken = await sign_up(base_url, f" {ADMINISTRATOR_EMAIL.upper()}")
    assert (taken.status_code, taken.json()["type"]) == (409, "/problems/email-taken")
