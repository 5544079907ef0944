"""Browsers that sign in by another provider, and what has come of it."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
from sqlalchemy import Engine, func, select
from tests.support.live_api import client_of
from tests.support.oidc_peers import OidcPeer, sign_in_at_peer

from riverrun.auth.dependencies import SESSION_COOKIE
from riverrun.auth.sso_router import BROWSER_COOKIE
from riverrun.migrations.tables import metadata


def callback_path(provider: str) -> str:
    """Where that provider sends browsers back."""
    return f"/api/v1/sso/{provider}/callback"


def start_path(provider: str, **query: str) -> str:
    """Where a browser begins."""
    return f"/api/v1/sso/{provider}/start?{urlencode(query)}"


@dataclass(frozen=True, slots=True)
class SsoSite:
    """The server and its two providers."""

    base_url: str
    engine: Engine
    first: OidcPeer
    second: OidcPeer

    @contextlib.asynccontextmanager
    async def browser(self) -> AsyncIterator[httpx2.AsyncClient]:
        """One with a cookie jar of its own."""
        async with client_of(self.base_url) as client:
            yield client

    def rows(self) -> dict[str, int]:
        """How many rows each table has."""
        with self.engine.connect() as connection:
            return {
                name: connection.scalar(select(func.count()).select_from(table)) or 0
                for name, table in metadata.tables.items()
            }


async def begin(browser: httpx2.AsyncClient, provider: str = "first", **query: str) -> str:
    """The provider's address to which the server sends the browser."""
    answer = await browser.get(start_path(provider, **query))
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def way_back(
    browser: httpx2.AsyncClient, provider: str = "first", name: str = "ann", **query: str
) -> str:
    """Begin, sign in at the provider, and the address by which it sends the browser back."""
    return await sign_in_at_peer(browser, await begin(browser, provider, **query), name)


async def come_in(
    browser: httpx2.AsyncClient, provider: str = "first", name: str = "ann", **query: str
) -> httpx2.Response:
    """All the way: the server's last answer."""
    return await browser.get(await way_back(browser, provider, name, **query))


def changed_query(url: str, **changed: str | None) -> str:
    """The address with other values in its query; None takes one out."""
    parts = urlsplit(url)
    values = {**dict(parse_qsl(parts.query)), **changed}
    kept = {name: value for name, value in values.items() if value is not None}
    return parts._replace(query=urlencode(kept)).geturl()


def query_of(url: str) -> dict[str, str]:
    """The values in an address's query."""
    return dict(parse_qsl(urlsplit(url).query))


def flow_cookies(browser: httpx2.AsyncClient) -> dict[str, str]:
    """The cookies of the sign-ins that the browser has under way."""
    return {one.name: one.value or "" for one in browser.cookies.jar if one.name.startswith(BROWSER_COOKIE)}


def is_signed_in(browser: httpx2.AsyncClient) -> bool:
    """Whether the browser has got a session's cookie."""
    return SESSION_COOKIE in browser.cookies
