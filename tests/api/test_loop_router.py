"""Administrators see who blocked the loop; for all others there is nothing to see."""

import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, update
from tests.support.live_api import client_of, serving
from tests.support.stories import make_user

from riverrun.auth.dependencies import CurrentPrincipal
from riverrun.auth.sign_in import issue_bearer_token
from riverrun.infra.settings import Settings
from riverrun.main import create_app
from riverrun.users.models import User

BLOCK_SECONDS = 0.6


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    """The application, with one more route, which blocks."""
    app = create_app(settings.model_copy(update={"server_timing": True}))

    @app.get("/-/block/{run_id}")
    async def block(run_id: str, principal: CurrentPrincipal) -> None:
        time.sleep(BLOCK_SECONDS)  # noqa: ASYNC251  (planted)

    return app


@pytest.fixture
async def url(settings: Settings, app: FastAPI) -> AsyncIterator[str]:
    async with serving(settings, app) as url:
        yield url


@pytest.fixture
def administrator_id(engine: Engine) -> UUID:
    user_id = make_user(engine)
    with engine.begin() as connection:
        connection.execute(update(User).where(User.id == user_id).values(is_administrator=True))
    return user_id


async def planted_stall(client: httpx2.AsyncClient) -> dict[str, Any]:
    """The stall that is planted here, once it is told; on a busy machine the way to it may be one, too."""
    while True:
        for stall in (await client.get("/-/loop")).json()["worst"]:
            if stall["line"].startswith("tests/api/test_loop_router.py:"):
                return dict(stall)


async def test_the_administrator_is_told_who_blocked_the_loop_until_the_report_is_reset(
    url: str, engine: Engine, administrator_id: UUID
) -> None:
    async with client_of(url, issue_bearer_token(engine, administrator_id, "test")) as client:
        blocked = await client.get("/-/block/r-1")
        stall = await planted_stall(client)
        assert (stall["method"], stall["endpoint"], stall["run_id"]) == ("GET", "/-/block/{run_id}", "r-1")
        assert stall["user_id"] == str(administrator_id)
        assert float(blocked.headers["server-timing"].removeprefix("loop;dur=")) > BLOCK_SECONDS * 500
        assert (await client.delete("/-/loop")).status_code == 204
        again = (await client.get("/-/loop")).json()
        assert stall["at"] not in [one["at"] for one in again["worst"]]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_others_are_told_what_strangers_are_told(url: str, engine: Engine, method: str) -> None:
    async with client_of(url, issue_bearer_token(engine, make_user(engine), "test")) as client:
        refused, unknown = await client.request(method, "/-/loop"), await client.request(method, "/-/nothing")
        assert (refused.status_code, refused.content) == (404, unknown.content)
    async with client_of(url) as stranger:
        assert (await stranger.request(method, "/-/loop")).status_code == 401


async def test_no_response_speaks_of_timing_unless_it_is_wanted(settings: Settings) -> None:
    async with serving(settings) as url, httpx2.AsyncClient() as client:
        assert "server-timing" not in (await client.get(f"{url}/health/live")).headers
