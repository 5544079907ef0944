"""Links open once, cookies serve our own pages only, and no door opens with another's key."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine, select
from tests.support.live_api import serving

from riverrun.auth import statements
from riverrun.auth.models import AccessToken, TokenKind
from riverrun.auth.sign_in import ensure_administrator, issue_bearer_token, issue_one_time_token
from riverrun.infra.settings import Settings


@pytest.fixture
async def browser(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(settings) as url, httpx2.AsyncClient(base_url=url) as client:
        yield client


@pytest.fixture
def administrator(engine: Engine) -> UUID:
    return ensure_administrator(engine)


async def sign_in(browser: httpx2.AsyncClient, token: str) -> httpx2.Response:
    return await browser.get("/sign-in", params={"token": token})


async def test_a_link_signs_in_once(browser: httpx2.AsyncClient, engine: Engine, administrator: UUID) -> None:
    token = issue_one_time_token(engine, administrator)
    first = await sign_in(browser, token)
    assert (first.status_code, first.headers["location"]) == (303, "/")
    cookie = first.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert (await browser.get("/api/v1/account/me")).json()["is_administrator"] is True
    assert (await sign_in(browser, token)).status_code == 401


async def test_a_browser_with_a_used_link_is_shown_the_page(browser: httpx2.AsyncClient) -> None:
    shown = await browser.get(
        "/sign-in", params={"token": "rr_used"}, headers={"accept": "text/html,*/*"}, follow_redirects=True
    )
    assert shown.status_code == 200
    assert shown.url.path == "/"
    assert shown.headers["content-type"].startswith("text/html")


async def test_there_is_one_administrator_however_often_the_stack_starts(
    engine: Engine, administrator: UUID
) -> None:
    assert ensure_administrator(engine) == administrator


async def test_a_cookie_writes_from_our_own_pages_only(
    browser: httpx2.AsyncClient, engine: Engine, administrator: UUID
) -> None:
    await sign_in(browser, issue_one_time_token(engine, administrator))
    own = str(browser.base_url).rstrip("/")
    body = {"project_ids": []}
    encrypted, other_port = own.replace("http://", "https://"), own.rpartition(":")[0]
    foreign = ("https://evil.example", "null", own + ".evil.example", encrypted, other_port, "http://[")
    for origin in (None, *foreign):
        headers = {"origin": origin} if origin else {}
        refused = await browser.post("/api/v1/conversations", json=body, headers=headers)
        assert refused.status_code == 403, origin
    assert (
        await browser.post("/api/v1/conversations", json=body, headers={"origin": own})
    ).status_code == 422


async def test_a_page_that_came_without_encryption_writes_nothing_where_people_come_by_https(
    settings: Settings, engine: Engine, administrator: UUID
) -> None:
    """A proxy before us speaks https; whoever is on the way can answer for it without."""
    public = settings.model_copy(update={"public_url": "https://riverrun.example"})
    async with serving(public) as url, httpx2.AsyncClient(base_url=url) as client:
        token = issue_one_time_token(engine, administrator)
        opened = await client.get("/sign-in", params={"token": token})
        session = opened.headers["set-cookie"].partition(";")[0]
        expected = {
            "https://riverrun.example": 422,
            "https://riverrun.example:443": 422,
            "http://riverrun.example": 403,
            "https://riverrun.example:8443": 403,
        }
        for origin, status in expected.items():
            headers = {"host": "riverrun.example", "origin": origin, "cookie": session}
            told = await client.post("/api/v1/conversations", json={"project_ids": []}, headers=headers)
            assert told.status_code == status, origin


async def test_signing_out_ends_the_session(
    browser: httpx2.AsyncClient, engine: Engine, administrator: UUID
) -> None:
    await sign_in(browser, issue_one_time_token(engine, administrator))
    session = browser.cookies["riverrun_session"]
    own = {"origin": str(browser.base_url).rstrip("/")}
    assert (await browser.post("/api/v1/logout", headers=own)).status_code == 204
    again = await browser.get("/api/v1/account/me", headers={"cookie": f"riverrun_session={session}"})
    assert again.status_code == 401


async def test_no_token_opens_another_door(
    browser: httpx2.AsyncClient, engine: Engine, administrator: UUID
) -> None:
    one_time = issue_one_time_token(engine, administrator)
    bearer = issue_bearer_token(engine, administrator, "test")
    as_bearer = await browser.get("/api/v1/account/me", headers={"authorization": f"Bearer {one_time}"})
    as_cookie = await browser.get("/api/v1/account/me", headers={"cookie": f"riverrun_session={bearer}"})
    assert as_bearer.status_code == as_cookie.status_code == 401
    assert (await sign_in(browser, bearer)).status_code == 401


async def test_an_old_link_is_too_old(
    browser: httpx2.AsyncClient, engine: Engine, administrator: UUID
) -> None:
    with engine.begin() as connection:
        connection.execute(
            statements.insert_token(
                administrator, TokenKind.ONE_TIME, "rr_old", lifetime=timedelta(seconds=-1)
            )
        )
    assert (await sign_in(browser, "rr_old")).status_code == 401


def test_no_token_is_stored(engine: Engine, administrator: UUID) -> None:
    token = issue_bearer_token(engine, administrator, "test")
    with engine.connect() as connection:
        rows = str(connection.execute(select(AccessToken.__table__)).all())
    assert token not in rows
