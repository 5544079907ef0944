"""``/health/ready`` where code and tables do not fit: before a migration, and after a release was taken back."""

import logging

import httpx2
import pytest
from tests.support.live_api import client_of, serving
from tests.support.revisions import NEWER, OLDER, set_revision

from riverrun.infra.schema_revision import SCHEMA_REVISION
from riverrun.infra.settings import Settings
from riverrun.migrations import upgrade


async def readiness(client: httpx2.AsyncClient) -> tuple[int, str]:
    answer = await client.get("/health/ready")
    return answer.status_code, answer.json()["servers"]["postgres"]


async def test_a_database_that_was_never_migrated_is_not_ready_until_it_is(
    settings: Settings, empty_database_url: str
) -> None:
    fresh = settings.model_copy(update={"database_url": empty_database_url})
    async with serving(fresh) as url, client_of(url) as client:
        assert await readiness(client) == (503, "the database has no tables yet: run riverrun migrate")
        upgrade(empty_database_url)
        assert await readiness(client) == (200, "ok")


async def test_tables_of_another_release_are_not_ready_and_the_log_says_so_once(
    client: httpx2.AsyncClient, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "riverrun.api.health_router")
    for revision, words in ((OLDER, "run riverrun migrate"), (NEWER, "install that one")):
        set_revision(database_url, revision)
        status, state = await readiness(client)
        assert status == 503
        assert revision in state
        assert state.endswith(words)
        assert await readiness(client) == (status, state)
    set_revision(database_url, SCHEMA_REVISION)
    assert await readiness(client) == (200, "ok")
    assert [record.args for record in caplog.records if OLDER in record.getMessage()] != []
    assert len([record for record in caplog.records if record.msg.startswith("not ready")]) == 2


async def test_uptime_checkers_may_ask_for_the_head_alone(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    for path in ("/health/live", "/health/ready"):
        head, whole = await client.head(path), await client.get(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(whole.content))
    set_revision(database_url, OLDER)
    assert (await client.head("/health/ready")).status_code == 503
