"""People who make accounts and sign in at the real API, as programs and in browsers."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx2
from tests.support.live_api import client_of

GOOD_PASSWORD = "a long walk by the river"


async def sign_up(base_url: str, email: str, password: str = GOOD_PASSWORD, **more: str) -> httpx2.Response:
    """The answer to a program that asks for an account."""
    async with client_of(base_url) as client:
        return await client.post("/api/v1/signup", json={"email": email, "password": password, **more})


async def log_in(base_url: str, email: str, password: str = GOOD_PASSWORD) -> httpx2.Response:
    """The answer to a program that signs in."""
    async with client_of(base_url) as client:
        return await client.post("/api/v1/login", json={"email": email, "password": password})


@contextlib.asynccontextmanager
async def new_person(base_url: str, email: str, **more: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A program whose user has just made an account."""
    made = await sign_up(base_url, email, **more)
    assert made.status_code == 201, made.text
    async with client_of(base_url, made.json()["token"]) as client:
        yield client


@contextlib.asynccontextmanager
async def browser_at(base_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser on our own page: it names the page's origin and keeps cookies."""
    async with client_of(base_url) as client:
        client.headers["origin"] = base_url
        yield client


async def account_of(client: httpx2.AsyncClient) -> dict[str, Any]:
    """Who the client is signed in as."""
    answer = await client.get("/api/v1/account/me")
    assert answer.status_code == 200, answer.text
    account: dict[str, Any] = answer.json()
    return account
