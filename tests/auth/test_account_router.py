"""One's own account: its sessions, its password, its address, its ways in."""

import pytest
from sqlalchemy import Engine, select, text, update
from tests.support.fake_mail_server import FakeMailServer
from tests.support.live_api import client_of
from tests.support.visitors import GOOD_PASSWORD, account_of, browser_at, log_in, new_person, sign_up

from riverrun.auth.identity_links import UserAuthProvider
from riverrun.auth.passwords import Password
from riverrun.auth.revocations import Revocation
from riverrun.auth.sign_in import ensure_administrator, issue_bearer_token
from riverrun.kit.ids import new_uuid
from riverrun.users.models import User

ANN = "ann@example.org"
NEW_PASSWORD = "another walk by the sea"


async def test_one_sees_where_one_is_signed_in_and_ends_it_there(open_url: str, engine: Engine) -> None:
    async with new_person(open_url, ANN) as ann, browser_at(open_url) as browser:
        browser.headers["user-agent"] = (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
        )
        await browser.post("/api/v1/login", json={"email": ANN, "password": GOOD_PASSWORD})
        sessions = (await ann.get("/api/v1/account/sessions")).json()
        assert [(each["kind"], each["is_current"]) for each in sessions] == [
            ("session", False),
            ("bearer", True),
        ]
        assert sessions[0]["name"] == "Firefox on Linux"
        for _ in range(2):
            ended = await ann.delete(f"/api/v1/account/sessions/{sessions[0]['id']}")
            assert ended.status_code == 204
        assert (await browser.get("/api/v1/account/me")).status_code == 401
        assert len((await ann.get("/api/v1/account/sessions")).json()) == 1
    with engine.connect() as connection:
        told = connection.execute(select(Revocation.token_id)).scalars().all()
    assert [str(token_id) for token_id in told] == [sessions[0]["id"]]


async def test_nobody_ends_anothers_session(open_url: str) -> None:
    async with new_person(open_url, ANN) as ann, new_person(open_url, "bob@example.org") as bob:
        session_id = (await ann.get("/api/v1/account/sessions")).json()[0]["id"]
        refused = await bob.delete(f"/api/v1/account/sessions/{session_id}")
        unknown = await bob.delete(f"/api/v1/account/sessions/{new_uuid()}")
        assert refused.status_code == unknown.status_code == 404
        assert refused.content == unknown.content
        assert (await account_of(ann))["email"] == ANN


async def test_a_changed_password_ends_every_other_session(open_url: str, engine: Engine) -> None:
    async with new_person(open_url, ANN) as ann:
        other = (await log_in(open_url, ANN)).json()["token"]
        change = {"old_password": GOOD_PASSWORD, "new_password": NEW_PASSWORD}
        assert (await ann.post("/api/v1/account/password", json=change)).status_code == 204
        assert (await account_of(ann))["email"] == ANN
        async with client_of(open_url, other) as elsewhere:
            assert (await elsewhere.get("/api/v1/account/me")).status_code == 401
    assert (await log_in(open_url, ANN)).status_code == 401
    assert (await log_in(open_url, ANN, NEW_PASSWORD)).status_code == 200
    with engine.connect() as connection:
        assert connection.execute(select(Revocation.user_id)).scalar_one() is not None


@pytest.mark.parametrize("old", [None, "not the password"])
async def test_a_password_is_not_changed_without_the_old_one(open_url: str, old: str | None) -> None:
    async with new_person(open_url, ANN) as ann:
        change = {"old_password": old, "new_password": NEW_PASSWORD}
        assert (await ann.post("/api/v1/account/password", json=change)).status_code == 401
    assert (await log_in(open_url, ANN)).status_code == 200


async def test_who_has_no_password_may_set_a_first_one(open_url: str, engine: Engine) -> None:
    token = issue_bearer_token(engine, ensure_administrator(engine), "test")
    async with client_of(open_url, token) as operator:
        set_password = {"new_password": NEW_PASSWORD}
        assert (await operator.post("/api/v1/account/password", json=set_password)).status_code == 204
        assert (await account_of(operator))["primary_provider"] == "password"
    assert (await log_in(open_url, "admin@localhost", NEW_PASSWORD)).status_code == 200


async def test_an_address_is_verified_by_the_link_in_the_mail(
    open_url: str, mail_server: FakeMailServer
) -> None:
    async with new_person(open_url, ANN) as ann:
        token = await mail_server.link_to(ANN, "email-verification")
        assert (await account_of(ann))["email_verified"] is False
        for expected in (204, 404):
            confirmed = await ann.post("/api/v1/email-verification/confirm", json={"token": token})
            assert confirmed.status_code == expected
        assert (await account_of(ann))["email_verified"] is True
        sent = len(mail_server.mails)
        assert (await ann.post("/api/v1/email-verification")).status_code == 202
        assert len(mail_server.mails) == sent


async def test_nobody_vouches_for_an_account_that_somebody_else_made_with_their_address(
    open_url: str, mail_server: FakeMailServer
) -> None:
    """Mallory makes an account with Ann's address; Ann, who gets the mail, opens its link without being in that account."""
    async with (
        new_person(open_url, ANN) as mallory,
        new_person(open_url, "bob@example.org") as bob,
        client_of(open_url) as ann,
    ):
        token = {"token": await mail_server.link_to(ANN, "email-verification")}
        assert (await ann.post("/api/v1/email-verification/confirm", json=token)).status_code == 401
        not_bobs = await bob.post("/api/v1/email-verification/confirm", json=token)
        unknown = await bob.post("/api/v1/email-verification/confirm", json={"token": "rr_nothing"})
        assert not_bobs.status_code == unknown.status_code == 404
        assert not_bobs.content == unknown.content
        assert (await account_of(mallory))["email_verified"] is False


async def test_a_forgotten_password_is_set_anew_by_the_link_in_the_mail(
    open_url: str, mail_server: FakeMailServer
) -> None:
    async with new_person(open_url, ANN) as ann, client_of(open_url) as anybody:
        await anybody.post("/api/v1/password-reset", json={"email": "ANN@example.org"})
        token = await mail_server.link_to(ANN, "password-reset")
        weak = {"token": token, "password": "12345678"}
        assert (await anybody.post("/api/v1/password-reset/confirm", json=weak)).status_code == 422
        good = {"token": token, "password": NEW_PASSWORD}
        assert (await anybody.post("/api/v1/password-reset/confirm", json=good)).status_code == 204
        assert (await anybody.post("/api/v1/password-reset/confirm", json=good)).status_code == 401
        assert (await ann.get("/api/v1/account/me")).status_code == 401
    assert (await log_in(open_url, ANN)).status_code == 401
    async with client_of(open_url, (await log_in(open_url, ANN, NEW_PASSWORD)).json()["token"]) as ann:
        assert (await account_of(ann))["email_verified"] is True


async def test_who_asks_for_a_reset_does_not_learn_who_has_an_account(
    open_url: str, mail_server: FakeMailServer
) -> None:
    await sign_up(open_url, ANN)
    async with client_of(open_url) as anybody:
        answers = [
            await anybody.post("/api/v1/password-reset", json={"email": email})
            for email in (ANN, "nobody@example.org")
        ]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].content == answers[1].content
    await mail_server.link_to(ANN, "password-reset")
    assert {mail["to"][0] for mail in mail_server.mails} == {ANN}


async def test_a_sessions_last_use_is_noted_once_a_minute_and_waits_for_nobody(
    open_url: str, engine: Engine
) -> None:
    await sign_up(open_url, ANN)
    opened = await log_in(open_url, ANN)
    async with client_of(open_url, opened.json()["token"]) as ann:

        async def noted() -> str | None:
            sessions = (await ann.get("/api/v1/account/sessions")).json()
            return next(one["last_used_at"] for one in sessions if one["is_current"])

        with engine.begin() as somebody:
            somebody.execute(text("SELECT 1 FROM access_tokens FOR UPDATE"))
            assert await noted() is None
        first = await noted()
        assert first is not None
        assert await noted() == first
        with engine.begin() as connection:
            connection.execute(text("UPDATE access_tokens SET last_used_at = now() - interval '2 minutes'"))
        assert (await noted() or "") > first


async def test_a_reset_is_answered_before_anybody_looks_whose_address_it_is(
    open_url: str, mail_server: FakeMailServer, engine: Engine
) -> None:
    """Else how long the answer takes says whether the address has an account."""
    await sign_up(open_url, ANN)
    async with client_of(open_url) as anybody:
        with engine.begin() as nobody_looks:
            nobody_looks.execute(text("LOCK TABLE users, access_tokens IN ACCESS EXCLUSIVE MODE"))
            for email in (ANN, "nobody@example.org"):
                answer = await anybody.post("/api/v1/password-reset", json={"email": email})
                assert answer.status_code == 202
    await mail_server.link_to(ANN, "password-reset")


async def test_the_owner_of_an_unverified_address_gets_rid_of_whoever_took_it(
    open_url: str, mail_server: FakeMailServer, engine: Engine
) -> None:
    """Somebody made an account with Ann's address and left doors open; she takes it over by her mail, and shuts them."""
    async with new_person(open_url, ANN) as mallory, client_of(open_url) as anybody:
        key = (await mallory.post("/api/v1/api-keys", json={"name": "a way back"})).json()["key"]
        add_provider(engine)
        await anybody.post("/api/v1/password-reset", json={"email": ANN})
        good = {"token": await mail_server.link_to(ANN, "password-reset"), "password": NEW_PASSWORD}
        assert (await anybody.post("/api/v1/password-reset/confirm", json=good)).status_code == 204
        assert (await mallory.get("/api/v1/account/me")).status_code == 401
        with_key = await anybody.get("/api/v2/projects/list", headers={"x-api-key": key})
        assert with_key.status_code == 401
    async with client_of(open_url, (await log_in(open_url, ANN, NEW_PASSWORD)).json()["token"]) as ann:
        assert [way["provider_type"] for way in (await account_of(ann))["providers"]] == ["password"]


async def test_who_had_verified_the_address_keeps_keys_and_other_ways_in(
    open_url: str, mail_server: FakeMailServer, engine: Engine
) -> None:
    async with new_person(open_url, ANN) as ann, client_of(open_url) as anybody:
        key = (await ann.post("/api/v1/api-keys", json={"name": "a program"})).json()["key"]
        add_provider(engine)
        verify = {"token": await mail_server.link_to(ANN, "email-verification")}
        assert (await ann.post("/api/v1/email-verification/confirm", json=verify)).status_code == 204
        await anybody.post("/api/v1/password-reset", json={"email": ANN})
        good = {"token": await mail_server.link_to(ANN, "password-reset"), "password": NEW_PASSWORD}
        assert (await anybody.post("/api/v1/password-reset/confirm", json=good)).status_code == 204
        with_key = await anybody.get("/api/v2/projects/list", headers={"x-api-key": key})
        assert with_key.status_code == 200
    with engine.connect() as connection:
        ways = connection.execute(select(UserAuthProvider.provider_type)).scalars().all()
    assert sorted(ways) == ["password", "sso_google"]


async def test_a_disabled_account_opens_to_nobody(open_url: str, engine: Engine) -> None:
    async with new_person(open_url, ANN) as ann:
        with engine.begin() as connection:
            connection.execute(update(User).values(disabled_at=User.created_at))
        assert (await ann.get("/api/v1/account/me")).status_code == 401
    assert (await log_in(open_url, ANN)).status_code == 403
    assert (await log_in(open_url, ANN, "not the password")).status_code == 401


async def test_ways_in_are_managed_by_their_owner(open_url: str, engine: Engine) -> None:
    async with new_person(open_url, ANN) as ann:
        only = await ann.request("DELETE", "/api/v1/providers/unlink", json={"provider_type": "password"})
        assert (only.status_code, only.json()["type"]) == (409, "/problems/last-way-in")
        add_provider(engine)
        chosen = await ann.post("/api/v1/providers/set-primary", json={"provider_type": "sso_google"})
        assert chosen.json()["primary_provider"] == "sso_google"
        gone = await ann.request("DELETE", "/api/v1/providers/unlink", json={"provider_type": "password"})
        assert gone.status_code == 204
        ways = (await ann.get("/api/v1/providers/me")).json()
        assert [way["provider_type"] for way in ways["providers"]] == ["sso_google"]
        unknown = await ann.post("/api/v1/providers/confirm-linking", json={"linking_token": "rr_nothing"})
        cancelled = await ann.delete("/api/v1/providers/cancel-linking/rr_nothing")
        assert unknown.status_code == cancelled.status_code == 404
    with engine.connect() as connection:
        assert connection.execute(select(Password)).all() == []


def add_provider(engine: Engine) -> None:
    """Let Google sign in the only user there is."""
    with engine.begin() as connection:
        user_id = connection.execute(select(User.id)).scalar_one()
        values = {"user_id": user_id, "provider_type": "sso_google", "provider_uid": "1"}
        connection.execute(UserAuthProvider.__table__.insert().values(**values))
