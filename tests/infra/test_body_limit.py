"""No body is taken in beyond its limit, whoever sends it."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from tests.support.live_api import serving

from riverrun.infra.body_limit import MAX_BODY_BYTES
from riverrun.infra.settings import Settings

PART = b"x" * 65_536


@pytest.fixture
async def stranger(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(settings) as url, httpx2.AsyncClient(base_url=url, timeout=20) as client:
        yield client


@pytest.mark.parametrize("path", ["markdown", "parse", "search", "conversations"])
async def test_a_declared_body_that_is_too_large_is_not_read(stranger: httpx2.AsyncClient, path: str) -> None:
    response = await stranger.post(f"/api/v1/{path}", content=b"x" * (MAX_BODY_BYTES + 1))
    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"


async def test_an_endless_body_without_a_length_is_cut_off(stranger: httpx2.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 64 * MAX_BODY_BYTES:
            sent += len(PART)
            yield PART

    try:
        response = await stranger.post("/api/v1/markdown", content=endless())
        assert response.status_code == 413
    except httpx2.TransportError:
        pass  # the server closed the line while we were still sending
    assert sent < 64 * MAX_BODY_BYTES


async def test_a_body_of_the_limit_reaches_the_application(stranger: httpx2.AsyncClient) -> None:
    response = await stranger.post("/api/v1/markdown", content=b"x" * MAX_BODY_BYTES)
    assert response.status_code == 401
