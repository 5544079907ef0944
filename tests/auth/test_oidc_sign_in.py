"""People come in by a real OpenID provider: a browser by code, a program by an ID token."""

import httpx2
import pytest
from sqlalchemy import Engine, update
from tests.support.accounts import make_person
from tests.support.live_api import client_of
from tests.support.oidc_peers import sign_in_at_peer
from tests.support.sso_visits import (
    SsoSite,
    begin,
    callback_path,
    come_in,
    flow_cookies,
    is_signed_in,
    query_of,
    start_path,
    way_back,
)
from tests.support.visitors import account_of, browser_at

from riverrun.auth.sso_router import MOST_FLOWS
from riverrun.kit.clock import now
from riverrun.users.models import User


@pytest.mark.parametrize("provider", ["first", "second"])
async def test_a_browser_goes_there_and_comes_back_signed_in(sso_site: SsoSite, provider: str) -> None:
    """The second says the address at its userinfo endpoint alone, and signs by another algorithm."""
    async with sso_site.browser() as browser:
        answer = await come_in(browser, provider, "ann", next="/c/0198?a=b#c")
        assert (answer.status_code, answer.headers["location"]) == (303, "/c/0198?a=b#c")
        assert answer.headers["cache-control"] == "no-store"
        account = await account_of(browser)
        assert (account["email"], account["email_verified"]) == ("ann@example.org", True)
        assert account["display_name"] == "ann of the peer"
        (way_in,) = account["providers"]
        assert (way_in["provider_type"], way_in["provider_uid"]) == (f"sso_{provider}", "ann")
        assert not flow_cookies(browser)


async def test_the_cookies_are_out_of_scripts_reach(sso_site: SsoSite) -> None:
    async with sso_site.browser() as browser:
        begun = await browser.get(start_path("first"))
        cookie = begun.headers["set-cookie"]
        (name,) = flow_cookies(browser)
        assert cookie.startswith(f"{name}=")
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/api/v1/sso;" in cookie
        answer = await come_in(browser)
        session = answer.headers.get_list("set-cookie")[0]
        assert session.startswith("riverrun_session=")
        assert "HttpOnly" in session


async def test_two_tabs_that_sign_in_at_once_do_not_disturb_each_other(sso_site: SsoSite) -> None:
    async with sso_site.browser() as browser:
        ways = [await way_back(browser, next=path) for path in ("/c/1", "/c/2")]
        assert len(flow_cookies(browser)) == 2
        for url, path in zip(ways, ("/c/1", "/c/2"), strict=True):
            answer = await browser.get(url)
            assert (answer.status_code, answer.headers["location"]) == (303, path)
        assert not flow_cookies(browser)


@pytest.mark.parametrize("state", [{}, {"state": "nonsense"}])
async def test_a_stray_callback_ends_no_sign_in_that_is_under_way(
    sso_site: SsoSite, state: dict[str, str]
) -> None:
    async with sso_site.browser() as browser:
        url = await way_back(browser)
        stray = await browser.get(callback_path("first"), params={"code": "a", **state})
        assert (stray.status_code, stray.headers.get("set-cookie")) == (401, None)
        assert (await browser.get(url)).status_code == 303


async def test_a_browser_that_begins_again_and_again_keeps_its_newest_sign_ins(sso_site: SsoSite) -> None:
    """Of a thousand cookies a browser would throw out others, and its requests would be too long."""
    async with sso_site.browser() as browser:
        first, second = [await way_back(browser) for _ in range(2)]
        for _ in range(MOST_FLOWS - 1):
            newest = await begin(browser)
        assert len(flow_cookies(browser)) == MOST_FLOWS
        assert (await browser.get(first)).status_code == 401
        for url in (second, await sign_in_at_peer(browser, newest)):
            assert (await browser.get(url)).status_code == 303


async def test_what_is_sent_to_the_provider_is_bound_to_this_sign_in(sso_site: SsoSite) -> None:
    async with sso_site.browser() as browser:
        asked = [query_of(await begin(browser)) for _ in range(2)]
    for name in ("state", "nonce", "code_challenge"):
        assert asked[0][name] != asked[1][name]
        assert len(asked[0][name]) >= 43
    assert asked[0]["code_challenge_method"] == "S256"
    assert asked[0]["redirect_uri"] == f"{sso_site.base_url}/api/v1/sso/first/callback"


async def test_the_same_person_comes_back_to_the_same_account(sso_site: SsoSite) -> None:
    async with sso_site.browser() as one, sso_site.browser() as other:
        await come_in(one)
        await come_in(other)
        assert (await account_of(one))["user_id"] == (await account_of(other))["user_id"]


async def test_the_owner_of_an_address_is_asked_before_a_provider_opens_their_account(
    sso_site: SsoSite, engine: Engine
) -> None:
    ann = make_person(engine, "ann@example.org")
    async with sso_site.browser() as browser, client_of(sso_site.base_url, ann.token) as owner:
        answer = await come_in(browser)
        there, _, token = answer.headers["location"].partition("=")
        assert (answer.status_code, there) == (303, "/#linking")
        assert not is_signed_in(browser)
        confirmed = await owner.post("/api/v1/providers/confirm-linking", json={"linking_token": token})
        assert confirmed.json()["provider"] == "sso_first"
        await come_in(browser)
        assert (await account_of(browser))["user_id"] == str(ann.user_id)


async def test_a_browser_that_is_refused_is_shown_the_page_and_a_program_the_problem(
    sso_site: SsoSite,
) -> None:
    async with sso_site.browser() as browser:
        url = await way_back(browser, name="unverified-ann")
        answer = await browser.get(url, headers={"accept": "text/html,*/*"})
        assert (answer.status_code, answer.headers["location"]) == (
            303,
            "/#sign-in-refused=address-not-verified",
        )
        again = await come_in(browser, name="unverified-ann")
        assert (again.status_code, again.json()["type"]) == (403, "/problems/address-not-verified")
        assert not is_signed_in(browser)


async def test_a_closed_account_stays_closed(sso_site: SsoSite, engine: Engine) -> None:
    async with sso_site.browser() as browser:
        await come_in(browser)
        with engine.begin() as connection:
            connection.execute(update(User).values(disabled_at=now()))
        browser.cookies.clear()
        answer = await come_in(browser)
        assert answer.json()["type"] == "/problems/account-disabled"
        assert not is_signed_in(browser)


async def test_the_page_is_told_to_whom_browsers_can_be_sent(sso_site: SsoSite) -> None:
    async with sso_site.browser() as browser:
        listed = (await browser.get("/api/v1/sso/providers")).json()
        assert [(one["name"], one["label"]) for one in listed] == [
            ("first", "First & Co"),
            ("second", "second"),
        ]
        assert listed[0]["start_path"] == "/api/v1/sso/first/start"
        for path in ("start", "callback"):
            assert (await browser.get(f"/api/v1/sso/nobody/{path}")).status_code == 404


async def test_a_program_exchanges_an_id_token_once_for_a_bearer_token(sso_site: SsoSite) -> None:
    async with sso_site.browser() as program:
        new = await by_token(program, sso_site.first.sign(sso_site.first.claims(jti="1")))
        assert (new.status_code, new.json()["status"]) == (202, "new_user")
        known = await by_token(program, sso_site.first.sign(sso_site.first.claims(jti="2")))
        assert (known.status_code, known.json()["status"]) == (200, "success")
        assert known.json()["user_id"] == new.json()["user_id"]
    async with client_of(sso_site.base_url, known.json()["access_token"]) as client:
        assert (await account_of(client))["email"] == "ann@example.org"


async def test_our_own_page_gets_a_cookie_and_no_token(sso_site: SsoSite) -> None:
    async with browser_at(sso_site.base_url) as page:
        answer = await by_token(page, sso_site.first.sign(sso_site.first.claims()))
        assert answer.json()["access_token"] is None
        assert is_signed_in(page)


async def test_a_token_for_an_address_with_an_account_waits_for_its_owner(
    sso_site: SsoSite, engine: Engine
) -> None:
    ann = make_person(engine, "ann@example.org")
    async with sso_site.browser() as program, client_of(sso_site.base_url, ann.token) as owner:
        answer = await by_token(program, sso_site.first.sign(sso_site.first.claims()))
        said = answer.json()
        assert (answer.status_code, said["status"]) == (202, "needs_linking")
        assert (said["access_token"], said["user_id"], said["existing_providers"]) == (None, None, [])
        token = {"linking_token": said["linking_token"]}
        assert (await owner.post("/api/v1/providers/confirm-linking", json=token)).status_code == 200


@pytest.mark.parametrize("named", ["nobody", "sso_first", ""])
async def test_an_unknown_provider_is_said_to_be_unknown(sso_site: SsoSite, named: str) -> None:
    async with sso_site.browser() as program:
        answer = await by_token(program, "a.b.c", named)
        assert answer.status_code in (400, 422)


async def by_token(client: httpx2.AsyncClient, id_token: str, provider: str = "first") -> httpx2.Response:
    return await client.post(
        "/api/v1/sso/login", json={"sso_provider": provider, "id_token": id_token, "provider_data": {"x": 1}}
    )
