"""What a run left in Postgres alone: the end that Redis lost, and results too large for an event."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx2
import orjson
import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from tests.support.live_api import client_of, read_sse, serving
from tests.support.run_reading import keep, says
from tests.support.stories import make_run, make_user

from riverrun.auth.sign_in import issue_bearer_token
from riverrun.conversations.models import Conversation
from riverrun.infra.redis_clients import SyncRedis
from riverrun.infra.settings import Settings
from riverrun.infra.worker_resources import WorkerResources
from riverrun.runs.attempt import Attempt
from riverrun.runs.performance import perform_run
from riverrun.streaming import hub
from riverrun.streaming.commands import stream_key

HUGE = "a large result, " * 10_000


@pytest.fixture
async def base_url(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """An API whose watchdog never looks: it would find a lost end, too, but later."""
    monkeypatch.setattr(hub, "WATCH_SECONDS", 3_600.0)
    async with serving(settings) as url:
        yield url


@pytest.fixture
async def client(base_url: str, engine: Engine, user_id: UUID) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(base_url, issue_bearer_token(engine, user_id, "test")) as client:
        yield client


@pytest.fixture
def queued_run(engine: Engine, user_id: UUID) -> UUID:
    """A question in a conversation that is there: else nobody sees what its tools read."""
    with Session(engine) as session, session.begin():
        conversation = Conversation(user_id=user_id, title="A test", project_ids=[], agent_ids=[])
        session.add(conversation)
        session.flush()
        return make_run(engine, user_id, subject_id=conversation.id)


@pytest.mark.parametrize("path", ["/api/v1/runs/{}/events", "/api/v1/runs/{}/events?after=3"])
async def test_an_end_that_redis_does_not_have_is_read_from_the_record_without_waiting(
    client: httpx2.AsyncClient, worker: WorkerResources, queued_run: UUID, sync_redis: SyncRedis, path: str
) -> None:
    perform_run(queued_run, worker, says("one ", "two"), keep)
    golden = await read_sse(client, path.format(queued_run))
    top_id = sync_redis.xrevrange(stream_key(queued_run), count=1)[0][0]
    sync_redis.xdel(stream_key(queued_run), top_id)
    assert await read_sse(client, path.format(queued_run)) == golden
    assert golden[-1][1] == "end"


async def test_the_multiplexed_reader_does_not_wait_for_it_either(
    client: httpx2.AsyncClient, worker: WorkerResources, queued_run: UUID, sync_redis: SyncRedis
) -> None:
    perform_run(queued_run, worker, says("one ", "two"), keep)
    path = f"/api/v1/runs/events?run={queued_run}"
    golden = await read_sse(client, path)
    top_id = sync_redis.xrevrange(stream_key(queued_run), count=1)[0][0]
    sync_redis.xdel(stream_key(queued_run), top_id)
    assert await read_sse(client, path) == golden


def answers_largely(attempt: Attempt) -> None:
    attempt.emit("tool_call", call_id="call/1\nä", name="read_file", arguments={})
    attempt.emit("tool_result", call_id="call/1\nä", result=HUGE)


async def test_an_event_points_to_its_large_result_and_the_pointer_is_good(
    client: httpx2.AsyncClient, worker: WorkerResources, queued_run: UUID
) -> None:
    perform_run(queued_run, worker, answers_largely, keep)
    events = await read_sse(client, f"/api/v1/runs/{queued_run}/events")
    told = next(orjson.loads(data) for _, kind, data in events if kind == "tool_result")
    assert "result" not in told
    response = await client.get(told["pointer"])
    assert response.json() == {
        "call_id": "call/1\nä", "attempt": 1, "bytes": len(HUGE), "result": HUGE
    }  # fmt: skip
    assert told["bytes"] == len(HUGE)


async def test_a_stranger_and_a_call_that_left_nothing_get_the_same_answer(
    client: httpx2.AsyncClient, base_url: str, engine: Engine, worker: WorkerResources, queued_run: UUID
) -> None:
    perform_run(queued_run, worker, answers_largely, keep)
    pointer = f"/api/v1/runs/{queued_run}/results/call%2F1%0A%C3%A4"
    assert (await client.get(pointer)).status_code == 200
    assert (await client.get(f"{pointer}2")).status_code == 404
    stranger = make_user(engine, "stranger@example.org")
    async with client_of(base_url, issue_bearer_token(engine, stranger, "test")) as other:
        assert (await other.get(pointer)).status_code == 404
