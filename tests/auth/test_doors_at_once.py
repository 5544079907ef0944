"""Doors of an account that are opened while all of them are being closed."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx2
import pytest
from sqlalchemy import Engine, text
from tests.support.fake_mail_server import FakeMailServer
from tests.support.live_api import client_of
from tests.support.lock_waits import waiting_for_locks
from tests.support.visitors import GOOD_PASSWORD, log_in, new_person
from tests.support.waiting import wait_until_async

ANN = "ann@example.org"
NEW_PASSWORD = "another walk by the sea"
Opening = Callable[[httpx2.AsyncClient], Awaitable[httpx2.Response]]
OPENINGS: dict[str, Opening] = {
    "an API key": lambda session: session.post("/api/v1/api-keys", json={"name": "a way back"}),
    "an editor's token": lambda session: session.post("/api/v1/auth/custom-token"),
    "a linked identity": lambda session: session.post(
        "/api/v1/providers/confirm-linking", json={"linking_token": "any"}
    ),
    "a password": lambda session: session.post(
        "/api/v1/account/password",
        json={"old_password": GOOD_PASSWORD, "new_password": "mallory comes back in"},
    ),
}


@pytest.mark.parametrize("door", OPENINGS)
async def test_no_door_is_opened_while_a_new_password_closes_all(
    open_url: str, mail_server: FakeMailServer, engine: Engine, door: str
) -> None:
    """Mallory made an account with Ann's address. While Ann takes it over by her mail, Mallory asks for a way back."""
    async with new_person(open_url, ANN) as mallory, client_of(open_url) as anybody:
        await anybody.post("/api/v1/password-reset", json={"email": ANN})
        good = {"token": await mail_server.link_to(ANN, "password-reset"), "password": NEW_PASSWORD}
        with engine.begin() as nobody_is_done:
            nobody_is_done.execute(text("LOCK TABLE revocations IN ACCESS EXCLUSIVE MODE"))
            resetting = asyncio.create_task(anybody.post("/api/v1/password-reset/confirm", json=good))
            await wait_until_async(lambda: waiting_for_locks(engine) == 1)
            opening = asyncio.ensure_future(OPENINGS[door](mallory))
            await wait_until_async(lambda: waiting_for_locks(engine) == 2)
        assert (await resetting).status_code == 204
        assert (await opening).status_code == 401
    assert (await log_in(open_url, ANN, NEW_PASSWORD)).status_code == 200


async def test_an_editors_token_is_exchanged_before_or_after_all_are_closed_but_not_between(
    open_url: str, engine: Engine
) -> None:
    async with new_person(open_url, ANN) as ann, client_of(open_url) as editor:
        token = (await ann.post("/api/v1/auth/custom-token")).json()["customToken"]
        new = {"old_password": GOOD_PASSWORD, "new_password": NEW_PASSWORD}
        with engine.begin() as nobody_is_done:
            nobody_is_done.execute(text("LOCK TABLE revocations IN ACCESS EXCLUSIVE MODE"))
            changing = asyncio.create_task(ann.post("/api/v1/account/password", json=new))
            await wait_until_async(lambda: waiting_for_locks(engine) == 1)
            redeeming = asyncio.create_task(editor.post("/api/v1/auth/redeem", json={"token": token}))
            await wait_until_async(lambda: waiting_for_locks(engine) == 2)
        assert (await changing).status_code == 204
        assert (await redeeming).status_code == 401


@pytest.mark.parametrize("by", ["the owner", "itself"])
async def test_an_editors_token_ends_with_a_session(open_url: str, by: str) -> None:
    """Whoever stole a session could come back by it, each time that the owner ends it."""
    async with new_person(open_url, ANN) as ann, client_of(open_url) as anybody:
        stolen = (await log_in(open_url, ANN)).json()["token"]
        async with client_of(open_url, stolen) as thief:
            token = (await thief.post("/api/v1/auth/custom-token")).json()["customToken"]
            if by == "itself":
                assert (await thief.post("/api/v1/logout")).status_code == 204
        sessions = (await ann.get("/api/v1/account/sessions")).json()
        for other in (one for one in sessions if not one["is_current"]):
            assert (await ann.delete(f"/api/v1/account/sessions/{other['id']}")).status_code == 204
        assert (await anybody.post("/api/v1/auth/redeem", json={"token": token})).status_code == 401
        assert len((await ann.get("/api/v1/account/sessions")).json()) == 1
