"""Accounts are made and opened by their passwords, and by nothing that somebody merely says."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import Engine, select, update
from tests.support.live_api import client_of, serving
from tests.support.visitors import GOOD_PASSWORD, account_of, browser_at, log_in, new_person, sign_up

from riverrun.auth.models import AccessToken
from riverrun.auth.passwords import Password
from riverrun.auth.revocations import Revocation
from riverrun.auth.sign_in import ensure_administrator, issue_one_time_token
from riverrun.infra.settings import Settings
from riverrun.kit.clock import now

ANN = "ann@example.org"


@pytest.fixture
async def open_url(settings: Settings) -> AsyncIterator[str]:
    """A server where everybody may make an account."""
    async with serving(settings.model_copy(update={"sign_up": "open"})) as url:
        yield url


async def test_whoever_signs_up_first_is_the_administrator_and_nobody_after(
    open_url: str, engine: Engine
) -> None:
    ensure_administrator(engine)
    async with client_of(open_url) as client:
        assert (await client.get("/api/v1/sign-in-options")).json() == {
            "sign_up": "first",
            "sends_mail": False,
        }
        first = await sign_up(open_url, "Ann@Example.org", displayName="Ann")
        second = await sign_up(open_url, "bob@example.org")
        assert (first.json()["is_administrator"], second.json()["is_administrator"]) == (True, False)
        assert (await client.get("/api/v1/sign-in-options")).json()["sign_up"] == "open"


async def test_an_account_says_who_it_is(open_url: str) -> None:
    async with new_person(open_url, "Ann@Example.org", displayName=" Ann ") as ann:
        account = await account_of(ann)
    assert account["email"] == "ann@example.org"
    assert account["display_name"] == "Ann"
    assert account["email_verified"] is False
    assert account["primary_provider"] == "password"
    assert [way["provider_type"] for way in account["providers"]] == ["password"]
    assert (account["organizations"], account["organization"], account["organization_name"]) == (
        [],
        None,
        None,
    )


async def test_a_password_opens_its_own_account_in_any_case_of_the_address(open_url: str) -> None:
    await sign_up(open_url, "ann@example.org")
    opened = await log_in(open_url, "ANN@example.ORG")
    assert opened.status_code == 200
    async with client_of(open_url, opened.json()["token"]) as client:
        assert (await account_of(client))["email"] == "ann@example.org"


async def test_a_wrong_password_and_an_unknown_address_are_told_the_same(open_url: str) -> None:
    await sign_up(open_url, "ann@example.org")
    wrong = await log_in(open_url, "ann@example.org", "not her password")
    unknown = await log_in(open_url, "nobody@example.org", GOOD_PASSWORD)
    endless = await log_in(open_url, "nobody@example.org", "x" * 1_000)
    assert wrong.status_code == unknown.status_code == endless.status_code == 401
    assert wrong.content == unknown.content == endless.content


async def test_a_second_account_for_an_address_is_refused_and_changes_nothing(open_url: str) -> None:
    await sign_up(open_url, "ann@example.org")
    again = await sign_up(open_url, "Ann@example.org", "another good password")
    assert again.status_code == 409
    assert "token" not in again.json()
    assert (await log_in(open_url, "ann@example.org")).status_code == 200


async def test_the_same_characters_are_the_same_password_however_they_are_composed(open_url: str) -> None:
    await sign_up(open_url, "ann@example.org", "caf\u00e9 au lait")
    assert (await log_in(open_url, "ann@example.org", "cafe\u0301 au lait")).status_code == 200


@pytest.mark.parametrize(
    "password", ["short", "Password1", "ann@example.org", "aaaaaaaaaaaa", "x" * 257, "qwertyuiop"]
)
async def test_passwords_that_would_be_guessed_are_refused(open_url: str, password: str) -> None:
    refused = await sign_up(open_url, "ann@example.org", password)
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/weak-password")


@pytest.mark.parametrize("address", ["", "ann", "@example.org", "a b@example.org", "ann@exa\u0000mple.org"])
async def test_what_is_no_address_is_refused(open_url: str, address: str) -> None:
    assert (await sign_up(open_url, address)).status_code == 422


async def test_a_page_gets_a_cookie_that_no_script_reads_and_no_token(open_url: str) -> None:
    await sign_up(open_url, "ann@example.org")
    async with browser_at(open_url) as browser:
        opened = await browser.post(
            "/api/v1/login", json={"email": "ann@example.org", "password": GOOD_PASSWORD}
        )
        assert opened.json() == {"token": None}
        assert "HttpOnly" in opened.headers["set-cookie"]
        assert (await account_of(browser))["email"] == "ann@example.org"


async def test_another_sites_page_opens_no_session(open_url: str) -> None:
    await sign_up(open_url, "ann@example.org")
    async with client_of(open_url) as client:
        refused = await client.post(
            "/api/v1/login",
            json={"email": "ann@example.org", "password": GOOD_PASSWORD},
            headers={"origin": "https://evil.example"},
        )
    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers


async def test_an_editor_exchanges_its_token_once(open_url: str) -> None:
    async with new_person(open_url, "ann@example.org") as ann, client_of(open_url) as editor:
        token = (await ann.post("/api/v1/auth/custom-token")).json()["customToken"]
        opened = await editor.post("/api/v1/auth/redeem", json={"token": token})
        editor.headers["authorization"] = f"Bearer {opened.json()['token']}"
        assert (await account_of(editor))["email"] == "ann@example.org"
        assert (await editor.post("/api/v1/auth/redeem", json={"token": token})).status_code == 401


async def test_an_editors_token_signs_no_browser_in(open_url: str) -> None:
    """Else anybody could send somebody a link that signs them in to the sender's account."""
    async with new_person(open_url, "ann@example.org") as ann, browser_at(open_url) as browser:
        token = (await ann.post("/api/v1/auth/custom-token")).json()["customToken"]
        refused = await browser.get("/sign-in", params={"token": token})
        assert (refused.status_code, dict(browser.cookies)) == (401, {})
        assert (await browser.post("/api/v1/auth/redeem", json={"token": token})).status_code == 200


async def test_a_sign_in_link_is_no_editors_token(open_url: str, engine: Engine) -> None:
    link = issue_one_time_token(engine, ensure_administrator(engine))
    async with client_of(open_url) as editor:
        assert (await editor.post("/api/v1/auth/redeem", json={"token": link})).status_code == 401


async def test_signing_out_is_told_to_whoever_watches_open_streams(open_url: str, engine: Engine) -> None:
    async with browser_at(open_url) as browser:
        await browser.post("/api/v1/signup", json={"email": "a@example.org", "password": GOOD_PASSWORD})
        assert (await browser.post("/api/v1/logout")).status_code == 204
        assert (await browser.get("/api/v1/account/me")).status_code == 401
    with engine.connect() as connection:
        closed = connection.execute(select(AccessToken.id).where(AccessToken.revoked_at.is_not(None)))
        assert connection.execute(select(Revocation.token_id)).scalars().all() == closed.scalars().all()


async def test_a_program_signs_out_with_its_token(open_url: str) -> None:
    async with new_person(open_url, "ann@example.org") as ann:
        assert (await ann.post("/api/v1/logout")).status_code == 204
        assert (await ann.get("/api/v1/account/me")).status_code == 401


async def test_what_is_stored_of_a_password_is_an_argon2id_hash(open_url: str, engine: Engine) -> None:
    await sign_up(open_url, "ann@example.org")
    with engine.connect() as connection:
        stored = connection.execute(select(Password.hash)).scalar_one()
    assert stored.startswith("$argon2id$")
    assert GOOD_PASSWORD not in stored
    assert hashlib.sha256(GOOD_PASSWORD.encode()).hexdigest() not in stored


async def test_a_body_without_proof_makes_nobody_anything(open_url: str) -> None:
    """Trap 1: the product before handed out a token for whatever uid or address was named."""
    await sign_up(open_url, "ann@example.org")
    forged = {"uid": "1", "email": "ann@example.org", "emailVerified": True, "linkToUserId": "1"}
    async with client_of(open_url) as client:
        answer: httpx2.Response = await client.post("/api/v1/signup", json=forged)
    assert answer.status_code == 422
    assert "token" not in answer.text


async def test_of_two_who_sign_up_first_one_is_the_administrator(open_url: str) -> None:
    made = await asyncio.gather(
        *(sign_up(open_url, f"{name}@example.org") for name in ("ann", "bob", "carl"))
    )
    assert sorted(answer.json()["is_administrator"] for answer in made) == [False, False, True]


async def test_of_two_who_want_an_address_one_gets_it(open_url: str) -> None:
    made = await asyncio.gather(*(sign_up(open_url, ANN) for _ in range(3)))
    assert sorted(answer.status_code for answer in made) == [201, 409, 409]


async def test_neither_passwords_nor_tokens_are_in_the_log(
    open_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Trap 7."""
    with caplog.at_level(logging.DEBUG):
        async with new_person(open_url, ANN) as ann:
            await log_in(open_url, ANN)
            await log_in(open_url, ANN, "a wrong password of hers")
            await ann.post("/api/v1/auth/custom-token")
            await ann.post("/api/v1/password-reset", json={"email": ANN})
            await ann.post("/api/v1/providers/confirm-linking", json={"linking_token": "rr_unknown"})
            await ann.post("/api/v1/logout")
    said = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("httpx"))
    assert caplog.records
    for secret in (GOOD_PASSWORD, "a wrong password of hers", "rr_"):
        assert secret not in said


async def test_passwords_are_tried_five_times_a_minute_and_the_sixth_is_not_looked_at(open_url: str) -> None:
    await sign_up(open_url, ANN)
    await sign_up(open_url, "bob@example.org")
    for email in (ANN, "nobody@example.org"):
        tries = [(await log_in(open_url, email, "not the password")).status_code for _ in range(5)]
        assert tries == [401] * 5
        sixth = await log_in(open_url, email)
        assert sixth.status_code == 429
        assert int(sixth.headers["retry-after"]) > 0
    assert (await log_in(open_url, "bob@example.org")).status_code == 200


async def test_what_has_long_expired_is_forgotten_at_the_next_sign_in(open_url: str, engine: Engine) -> None:
    await sign_up(open_url, ANN)
    months_ago = now() - timedelta(days=90)
    with engine.begin() as connection:
        connection.execute(update(AccessToken).values(expires_at=months_ago))
    await log_in(open_url, ANN)
    with engine.connect() as connection:
        kept = connection.execute(select(AccessToken.expires_at)).scalars().all()
    assert len(kept) == 1
    assert kept[0] > now()
