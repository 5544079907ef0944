"""What the API tells Prometheus is true, bounded, and not for strangers."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, update
from tests.support.live_api import client_of, serving
from tests.support.scraping import Scrape, assert_documented
from tests.support.stories import make_run, make_user
from tests.support.waiting import wait_until_async

from riverrun.auth.sign_in import issue_bearer_token
from riverrun.infra.settings import Settings
from riverrun.streaming import rare_paths
from riverrun.users.models import User

TOKEN = "a token for the scraper"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"metrics_token": SecretStr(TOKEN)})


@pytest.fixture
async def scraper(base_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(base_url, TOKEN) as client:
        yield client


async def scrape(client: httpx2.AsyncClient) -> Scrape:
    response = (await client.get("/-/metrics")).raise_for_status()
    assert response.headers["content-type"].startswith("text/plain; version=")
    return Scrape(response.text)


async def no_stream_is_open(scraper: httpx2.AsyncClient) -> bool:
    return (await scrape(scraper)).value("riverrun_streams_open", runs="one") == 0


async def test_only_the_token_and_administrators_may_look(base_url: str, engine: Engine) -> None:
    administrator, other = make_user(engine, "admin@example.org"), make_user(engine)
    with engine.begin() as connection:
        connection.execute(update(User).where(User.id == administrator).values(is_administrator=True))
    tokens = {
        TOKEN: 200,
        issue_bearer_token(engine, administrator, "test"): 200,
        issue_bearer_token(engine, other, "test"): 404,
        "wrong": 401,
        "ß": 401,
    }
    for token, status in tokens.items():
        async with httpx2.AsyncClient(base_url=base_url) as client:
            headers = {b"authorization": b"Bearer " + token.encode()}
            assert (await client.get("/-/metrics", headers=headers)).status_code == status, token


async def test_without_a_token_in_the_settings_none_opens_it(settings: Settings) -> None:
    async with serving(settings.model_copy(update={"metrics_token": None})) as url:
        for token in ("None", TOKEN):
            async with httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}) as client:
                assert (await client.get(f"{url}/-/metrics")).status_code == 401


async def test_answers_are_counted_by_template_and_strangers_make_no_series(
    scraper: httpx2.AsyncClient, client: httpx2.AsyncClient, conversation: str
) -> None:
    for path in (conversation, f"{conversation}x", "/no/such/1", "/no/such/2"):
        await client.get(path)
    await client.request("BREW", "/health/live")
    seen = await scrape(scraper)
    route = "/api/v1/conversations/{conversation_id}"
    counted = "riverrun_http_requests_total"
    assert seen.value(counted, method="POST", route="/api/v1/conversations", status="2xx") == 1
    assert seen.value("riverrun_http_request_seconds_count", method="GET", route="other") == 2
    assert seen.value(counted, method="GET", route="other", status="4xx") == 2
    routes = {value for value in seen.label_values("route") if value.startswith(route)}
    assert all("{conversation_id}" in value for value in routes)
    assert not any(conversation.rpartition("/")[2] in value for value in seen.label_values("route"))
    assert "BREW" not in seen.label_values("method")


async def test_an_open_stream_and_what_it_sends_are_counted(
    scraper: httpx2.AsyncClient, client: httpx2.AsyncClient, engine: Engine, user_id: UUID
) -> None:
    run_id = make_run(engine, user_id)
    async with client.stream("GET", f"/api/v1/runs/{run_id}/events") as stream:
        lines = stream.aiter_lines()
        while not (await anext(lines)).startswith("event:"):
            pass
        seen = await scrape(scraper)
        assert seen.value("riverrun_streams_open", runs="one") == 1
        assert seen.value("riverrun_stream_readers") == 1
        assert seen.value("riverrun_stream_runs") == 1
        assert seen.value("riverrun_stream_events_sent_total") == 1
        assert seen.value("riverrun_stream_hub_connected") == 1
        assert seen.value("riverrun_http_requests_in_progress") == 2
    await wait_until_async(lambda: no_stream_is_open(scraper))
    assert (await scrape(scraper)).value("riverrun_streams_opened_total", runs="one") == 1


async def test_pools_loop_and_rare_paths_are_there(scraper: httpx2.AsyncClient) -> None:
    before = await scrape(scraper)
    rare_paths.note(rare_paths.RarePath.GAP, UUID(int=0))
    seen = await scrape(scraper)
    assert seen.value("riverrun_postgres_pool_size") == 20
    assert seen.value("riverrun_postgres_pool_waiting") == 0
    in_use = seen.value("riverrun_redis_pool_connections", server="streams", state="in_use")
    assert in_use is not None
    assert seen.value("riverrun_server_up", server="postgres") == 1
    assert seen.value("riverrun_server_up", server="broker") == 1
    assert seen.value("riverrun_loop_ready_callbacks") is not None
    gaps = [one.value("riverrun_rare_paths_total", path="gap") for one in (before, seen)]
    assert gaps[0] is not None
    assert gaps[1] == gaps[0] + 1
    while not seen.value("riverrun_loop_lag_seconds_count"):
        seen = await scrape(scraper)


async def test_the_document_lists_what_is_told_and_nothing_else(
    scraper: httpx2.AsyncClient, queued_run: UUID
) -> None:
    assert_documented(await scrape(scraper), "The API")
