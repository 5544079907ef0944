"""Invitations open once, for one address, and vouch for it."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.support.fake_mail_server import FakeMailServer
from tests.support.live_api import client_of, serving
from tests.support.visitors import GOOD_PASSWORD, account_of, browser_at, new_person, sign_up

from riverrun.auth.errors import SignUpRefused
from riverrun.auth.sign_in import ensure_administrator, issue_bearer_token
from riverrun.auth.sign_up import AsyncSignUp
from riverrun.infra.settings import Settings
from riverrun.kit.ids import new_uuid

BOB = "bob@example.org"


@pytest.fixture
async def invite_url(settings: Settings, mail_server: FakeMailServer) -> AsyncIterator[str]:
    """A server as it is unless somebody says otherwise, that sends mail and has a first account."""
    async with serving(mail_server.settings(settings)) as url:
        await sign_up(url, "first@example.org")
        yield url


@pytest.fixture
async def administrator(invite_url: str, engine: Engine) -> AsyncIterator[httpx2.AsyncClient]:
    token = issue_bearer_token(engine, ensure_administrator(engine), "test")
    async with client_of(invite_url, token) as client:
        yield client


async def test_without_an_invitation_nobody_makes_an_account_or_learns_who_has_one(invite_url: str) -> None:
    refused = [await sign_up(invite_url, email) for email in (BOB, "first@example.org")]
    assert [answer.status_code for answer in refused] == [403, 403]
    assert refused[0].content == refused[1].content


async def test_an_invitation_opens_once_and_vouches_for_its_address(
    invite_url: str, administrator: httpx2.AsyncClient, mail_server: FakeMailServer
) -> None:
    made = (await administrator.post("/api/v1/invitations", json={"email": "Bob@example.org"})).json()
    token = made["link"].partition("#invitation=")[2]
    assert await mail_server.link_to(BOB, "invitation") == token
    assert (await sign_up(invite_url, "mallory@example.org", invitation=token)).status_code == 403
    async with new_person(invite_url, BOB, invitation=token) as bob:
        account = await account_of(bob)
        assert (account["email_verified"], account["is_administrator"]) == (True, False)
    assert (await administrator.get("/api/v1/invitations")).json() == []
    assert (await sign_up(invite_url, "carl@example.org", invitation=token)).status_code == 403


async def test_an_invitation_that_was_taken_back_opens_nothing(
    invite_url: str, administrator: httpx2.AsyncClient
) -> None:
    made = (await administrator.post("/api/v1/invitations", json={"email": BOB})).json()
    listed = (await administrator.get("/api/v1/invitations")).json()
    assert [(each["id"], each["email"]) for each in listed] == [(made["id"], BOB)]
    for expected in (204, 404):
        gone = await administrator.delete(f"/api/v1/invitations/{made['id']}")
        assert gone.status_code == expected
    token = made["link"].partition("#invitation=")[2]
    assert (await sign_up(invite_url, BOB, invitation=token)).status_code == 403


async def test_an_invitation_that_is_taken_back_while_somebody_signs_up_by_it_opens_nothing(
    administrator: httpx2.AsyncClient, async_engine: AsyncEngine
) -> None:
    made = (await administrator.post("/api/v1/invitations", json={"email": BOB})).json()
    async with AsyncSession(async_engine, expire_on_commit=False) as session:
        signing_up = AsyncSignUp(session, "invite")
        invitation = await signing_up.find_invitation(made["link"].partition("#invitation=")[2])
        assert invitation is not None
        await session.commit()
        assert (await administrator.delete(f"/api/v1/invitations/{made['id']}")).status_code == 204
        with pytest.raises(SignUpRefused):
            await signing_up.create(BOB, "Bob", invitation)


async def test_only_administrators_invite(invite_url: str, administrator: httpx2.AsyncClient) -> None:
    made = (await administrator.post("/api/v1/invitations", json={"email": BOB})).json()
    token = made["link"].partition("#invitation=")[2]
    async with new_person(invite_url, BOB, invitation=token) as bob:
        answers = [
            await bob.post("/api/v1/invitations", json={"email": "carl@example.org"}),
            await bob.get("/api/v1/invitations"),
            await bob.delete(f"/api/v1/invitations/{made['id']}"),
            await bob.delete(f"/api/v1/invitations/{new_uuid()}"),
        ]
    assert {answer.status_code for answer in answers} == {403}


async def test_who_has_an_account_is_not_invited(invite_url: str, administrator: httpx2.AsyncClient) -> None:
    refused = await administrator.post("/api/v1/invitations", json={"email": "First@example.org"})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/email-taken")


async def test_a_closed_server_takes_the_first_account_and_no_other(settings: Settings) -> None:
    closed = settings.model_copy(update={"sign_up": "closed"})
    async with serving(closed) as url, browser_at(url) as browser:
        first = {"email": "first@example.org", "password": GOOD_PASSWORD}
        assert (await browser.post("/api/v1/signup", json=first)).json()["is_administrator"] is True
        assert (await sign_up(url, BOB)).status_code == 403
        assert (await browser.post("/api/v1/invitations", json={"email": BOB})).status_code == 403
