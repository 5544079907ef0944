"""Each request is counted once, by its route, also when middleware in between hands on a copy of its scope."""

from collections.abc import AsyncIterator, Callable

import httpx2
import pytest
from fastapi import APIRouter, FastAPI
from starlette.responses import StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.support.scraping import scrape_of

from riverrun.infra.request_counter import RequestCounter
from riverrun.infra.request_metrics import RequestMetrics

COUNTED = "riverrun_http_requests_total"


class Copying:
    """Middleware, as many are: what is found out inside stays there."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({**scope}, receive, send)


def app_of(metrics: RequestMetrics) -> FastAPI:
    router = APIRouter()

    @router.get("/things/{name}")
    async def thing(name: str) -> str:
        return name

    @router.get("/parts/{name}")
    async def parts(name: str) -> StreamingResponse:
        async def say() -> AsyncIterator[str]:
            yield name
            yield str(metrics.in_progress)

        return StreamingResponse(say())

    @router.get("/broken/{name}")
    async def broken(name: str) -> str:
        raise RuntimeError(name)

    app = FastAPI()
    app.include_router(router, prefix="/api")
    app.add_middleware(Copying)
    app.add_middleware(RequestCounter, metrics=metrics)
    return app


@pytest.fixture
def metrics() -> RequestMetrics:
    return RequestMetrics()


@pytest.fixture
def ask(metrics: RequestMetrics) -> Callable[..., httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app_of(metrics), raise_app_exceptions=False)
    return lambda: httpx2.AsyncClient(transport=transport, base_url="http://app")


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", "/api/things/one", "/api/things/{name}", "2xx"),
        ("GET", "/api/parts/one", "/api/parts/{name}", "2xx"),
        ("GET", "/api/broken/one", "/api/broken/{name}", "5xx"),
        ("GET", "/nowhere", "other", "4xx"),
    ],
)
async def test_an_answer_counts_for_its_route(
    method: str,
    path: str,
    route: str,
    status: str,
    metrics: RequestMetrics,
    ask: Callable[..., httpx2.AsyncClient],
) -> None:
    async with ask() as client:
        await client.request(method, path)
    seen = scrape_of(metrics.families())
    assert seen.value(COUNTED, method=method, route=route, status=status) == 1
    assert metrics.in_progress == 0


async def test_methods_that_strangers_think_of_are_one(
    metrics: RequestMetrics, ask: Callable[..., httpx2.AsyncClient]
) -> None:
    async with ask() as client:
        for method in ("BREW", "WHEN"):
            await client.request(method, "/api/things/one")
    seen = scrape_of(metrics.families())
    assert seen.value(COUNTED, method="other", route="/api/things/{name}", status="4xx") == 2


async def test_a_stream_is_in_progress_until_its_end(
    metrics: RequestMetrics, ask: Callable[..., httpx2.AsyncClient]
) -> None:
    async with ask() as client:
        assert (await client.get("/api/parts/one")).text == "one1"
