"""The plan's reader and the hub send the same bytes; where the former cannot, it says so and the client loses nothing."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator
from typing import Literal
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine
from tests.support.live_api import client_of, events_of, serving
from tests.support.run_reading import keep, says
from tests.support.stories import make_run, text_event
from tests.support.waiting import wait_until_async

from riverrun.auth.sign_in import issue_bearer_token
from riverrun.infra.redis_clients import SyncRedis
from riverrun.infra.settings import Settings
from riverrun.infra.worker_resources import WorkerResources
from riverrun.runs.attempt import Attempt
from riverrun.runs.event_writer import EventWriter
from riverrun.runs.hot_task import HotTask
from riverrun.runs.performance import perform_run
from riverrun.streaming import redis_streaming
from riverrun.streaming.commands import stream_key
from riverrun.streaming.cursor import START, Position
from riverrun.streaming.generator import redis_stream_generator
from riverrun.streaming.redis_streaming import RedisStreamManager

Kind = Literal["hub", "threadpool"]
WORDS = [f"word {number} " for number in range(40)]


@pytest.fixture(params=["hub", "threadpool"])
def reader(request: pytest.FixtureRequest) -> Kind:
    kind: Kind = request.param
    return kind


@pytest.fixture
def token(engine: Engine, user_id: UUID) -> str:
    return issue_bearer_token(engine, user_id, "test")


@pytest.fixture
async def threaded(settings: Settings, token: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of an API that reads as the plan does."""
    async with (
        serving(settings.model_copy(update={"stream_reader": "threadpool"})) as url,
        client_of(url, token) as client,
    ):
        yield client


@pytest.fixture
def short_silences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_streaming, "BLOCK_MS", 200)


async def body_of(client: httpx2.AsyncClient, run_id: UUID, position: str = "0-0") -> bytes:
    """A stream's bytes to its close, without the ``retry`` that is chosen by chance."""
    path = f"/api/v1/runs/{run_id}/events"
    response = await client.get(path, headers={"last-event-id": position})
    assert response.status_code in (200, 204)
    retry, _, rest = response.content.partition(b"\n\n")
    assert not response.content or retry.startswith(b"retry: ")
    return rest


def wire(*events: object) -> bytes:
    return b"".join(event.sse for event in events)  # type: ignore[attr-defined]


async def test_every_position_of_a_finished_run_gives_the_same_bytes(
    settings: Settings, token: str, worker: WorkerResources, queued_run: UUID, sync_redis: SyncRedis
) -> None:
    perform_run(queued_run, worker, says(*WORDS), keep)
    bodies: dict[str, list[bytes]] = {}
    for kind in ("hub", "threadpool"):
        chosen = settings.model_copy(update={"stream_reader": kind})
        async with serving(chosen) as url, client_of(url, token) as client:
            positions = ["0-0", *(f"1-{seq}" for seq in range(1, 43)), "7-3"]
            bodies[kind] = [await body_of(client, queued_run, position) for position in positions]
            headers = (await client.get(f"/api/v1/runs/{queued_run}/events")).headers
            assert headers["content-type"] == "text/event-stream; charset=utf-8"
            assert headers["cache-control"] == "no-cache, no-transform"
            assert headers["x-session-id"] == str(queued_run)
        sync_redis.flushall()
    assert bodies["hub"] == bodies["threadpool"]
    assert all(body.endswith(b"\n\n") for body in bodies["hub"])
    assert len(set(bodies["hub"])) == len(bodies["hub"])


async def test_a_live_run_gives_the_bytes_that_were_said(
    reader: Kind, settings: Settings, token: str, worker: WorkerResources, queued_run: UUID
) -> None:
    chosen = settings.model_copy(update={"stream_reader": reader})
    async with serving(chosen) as url, client_of(url, token) as client:
        reading = [asyncio.create_task(body_of(client, queued_run)) for _ in range(5)]
        await asyncio.to_thread(perform_run, queued_run, worker, says(*WORDS), keep)
        live = await asyncio.gather(*reading)
        golden = await body_of(client, queued_run)
    assert set(live) == {golden}
    assert "".join(WORDS).encode() in b"".join(
        line.partition(b'"text":"')[2][:-2] for line in golden.splitlines() if b'"text":"' in line
    )


async def test_a_post_is_answered_by_either_reader(
    reader: Kind, settings: Settings, token: str, worker: WorkerResources, project_id: UUID
) -> None:
    chosen = settings.model_copy(update={"stream_reader": reader})
    async with serving(chosen) as url, client_of(url, token) as client:
        begun = await client.post("/api/v1/conversations", json={"project_ids": [str(project_id)]})
        path = f"/api/v1/conversations/{begun.json()['conversation_id']}/message"
        async with client.stream("POST", path, json={"content": "Why?"}) as response:
            run_id = UUID(response.headers["x-run-id"])
            performing = asyncio.create_task(
                asyncio.to_thread(perform_run, run_id, worker, says("Because."), keep)
            )
            events = events_of((await response.aread()).decode())
            await performing
    assert [kind for _, kind, _ in events] == ["queued", "started", "text", "end"]


@pytest.mark.usefixtures("short_silences")
async def test_a_reader_whose_redis_forgets_comes_back_and_misses_nothing(
    threaded: httpx2.AsyncClient, worker: WorkerResources, queued_run: UUID, sync_redis: SyncRedis
) -> None:
    forgotten = threading.Event()
    may_go_on = threading.Event()

    def work(attempt: Attempt) -> None:
        says(*WORDS[:20])(attempt)
        sync_redis.flushall()
        forgotten.set()
        may_go_on.wait(20)
        says(*WORDS[20:])(attempt)

    performing = asyncio.create_task(asyncio.to_thread(perform_run, queued_run, worker, work, keep))
    await asyncio.to_thread(forgotten.wait)
    position, whole, rounds = "0-0", b"", 0
    while b"event: end" not in whole:
        rounds += 1
        body = await body_of(threaded, queued_run, position)
        frames, _, _ = body.partition(b"event: reconnect")
        whole += frames
        ids = [line[4:].decode() for line in frames.splitlines() if line.startswith(b"id: ")]
        position = ids[-1] if ids else position
        may_go_on.set()
    await performing
    assert rounds > 1
    assert whole == await body_of(threaded, queued_run)


@pytest.mark.usefixtures("short_silences")
async def test_a_lost_end_is_read_from_the_record(
    threaded: httpx2.AsyncClient, worker: WorkerResources, queued_run: UUID, sync_redis: SyncRedis
) -> None:
    perform_run(queued_run, worker, says("word"), keep)
    golden = await body_of(threaded, queued_run)
    sync_redis.xdel(stream_key(queued_run), "1-4")
    assert await body_of(threaded, queued_run) == golden


async def test_readers_are_sent_away_when_the_server_leaves(
    settings: Settings, token: str, engine: Engine, user_id: UUID, sync_redis: SyncRedis
) -> None:
    runs = [make_run(engine, user_id) for _ in range(10)]
    server = serving(settings.model_copy(update={"stream_reader": "threadpool"}))
    async with client_of(await server.__aenter__(), token) as client:
        reading = [asyncio.create_task(body_of(client, run_id)) for run_id in runs]
        await wait_until_async(lambda: sync_redis.info("clients")["blocked_clients"] == len(runs))
        async with asyncio.timeout(5):
            await server.__aexit__(None, None, None)
        for body in await asyncio.gather(*reading):
            assert body.endswith(b'event: reconnect\ndata: {"position":"1-1"}\n\n')


async def test_a_client_that_goes_frees_its_connection(
    threaded: httpx2.AsyncClient, queued_run: UUID, sync_redis: SyncRedis, short_silences: None
) -> None:
    sync_redis.set(f"run:{{{queued_run}}}:status", "queued", ex=60)
    async with threaded.stream("GET", f"/api/v1/runs/{queued_run}/events") as response:
        async for line in response.aiter_lines():
            if line == "event: queued":
                break
        await wait_until_async(lambda: sync_redis.info("clients")["blocked_clients"] == 1)
    await wait_until_async(lambda: sync_redis.info("clients")["blocked_clients"] == 0)


@pytest.mark.usefixtures("short_silences")
def test_a_run_that_redis_calls_running_is_left_after_a_silence(
    streams: RedisStreamManager, run_id: UUID
) -> None:
    """It may think, or its ``end`` was lost: the record knows."""
    streams.set_task_status(run_id, "running")
    streams.publish_event(run_id, text_event(1))
    reading = redis_stream_generator(run_id, START, streams, heartbeat_seconds=0.1, leaving=threading.Event())
    assert next(reading).startswith(b"retry: ")
    assert next(reading) == text_event(1).sse
    streams.publish_event(run_id, text_event(2))
    assert next(reading) == text_event(2).sse
    assert next(reading) == b'event: reconnect\ndata: {"position":"1-2"}\n\n'
    assert list(reading) == []


@pytest.mark.usefixtures("short_silences")
async def test_an_end_that_is_lost_under_an_open_stream_is_read_from_the_record(
    settings: Settings,
    token: str,
    worker: WorkerResources,
    queued_run: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(EventWriter, "publish_end", lambda *_: None)
    monkeypatch.setattr(HotTask, "end", lambda *_: None)
    quick = settings.model_copy(update={"stream_reader": "threadpool", "heartbeat_seconds": 0.2})
    async with serving(quick) as url, client_of(url, token) as client, asyncio.timeout(15):
        path = f"/api/v1/runs/{queued_run}/events"
        async with client.stream("GET", path) as response:
            await asyncio.to_thread(perform_run, queued_run, worker, says(*WORDS), keep)
            seen = events_of((await response.aread()).decode())
        assert seen[-1][1] == "reconnect"
        while seen[-1][1] == "reconnect":
            seen.pop()
            seen += events_of((await body_of(client, queued_run, seen[-1][0])).decode())
    assert [kind for _, kind, _ in seen] == ["queued", "started", *["text"] * len(WORDS), "end"]


@pytest.mark.usefixtures("short_silences")
@pytest.mark.parametrize("status", [None, "completed"])
def test_a_silent_run_that_cannot_speak_any_more_is_left(
    streams: RedisStreamManager, run_id: UUID, status: str | None
) -> None:
    if status:
        streams.set_task_status(run_id, status)
    reading = redis_stream_generator(
        run_id, Position(1, 3), streams, heartbeat_seconds=0.1, leaving=threading.Event()
    )
    assert list(reading)[1:] == [b'event: reconnect\ndata: {"position":"1-3"}\n\n']


def test_a_missing_event_is_never_passed_over(
    streams: RedisStreamManager, run_id: UUID, sync_redis: SyncRedis
) -> None:
    streams.publish_events(run_id, [text_event(1), text_event(2), text_event(3)])
    sync_redis.xdel(stream_key(run_id), "1-2")
    reading = redis_stream_generator(
        run_id, Position(1, 1), streams, heartbeat_seconds=15, leaving=threading.Event()
    )
    assert list(reading)[1:] == [b'event: reconnect\ndata: {"position":"1-1"}\n\n']


async def test_an_api_that_reads_by_the_hub_has_no_synchronous_client(settings: Settings) -> None:
    def clients() -> int:
        gc.collect()
        return sum(isinstance(thing, SyncRedis) for thing in gc.get_objects())

    before = clients()
    async with serving(settings):
        assert clients() == before
    async with serving(settings.model_copy(update={"stream_reader": "threadpool"})):
        assert clients() == before + 2
