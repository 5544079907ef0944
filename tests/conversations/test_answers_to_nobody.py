"""Nothing stays of an answer whose conversation is deleted while it ends, whoever ends it and whoever dies meanwhile."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine, func, select, update
from tests.support.asking import ask
from tests.support.live_api import read_sse
from tests.support.run_reading import expire_lease, recorded, row_of
from tests.support.waiting import wait_until, wait_until_async

from riverrun.conversations import agent_tasks
from riverrun.conversations.models import Message
from riverrun.infra.redis_clients import SyncRedis
from riverrun.infra.worker_leaving import Leaving
from riverrun.infra.worker_resources import WorkerResources
from riverrun.runs.attempt import Attempt
from riverrun.runs.event_writer import EventWriter
from riverrun.runs.lease import claim_run
from riverrun.runs.models import OutboxEntry, Run, RunEvent
from riverrun.streaming.hub import StreamHub
from riverrun.streaming.redis_streaming import RedisStreamManager


class Killed(BaseException):
    """The worker's process is gone in this moment."""


def works_as(monkeypatch: pytest.MonkeyPatch, work: Callable[[Attempt], None]) -> None:
    """Let answers be written by ``work``."""
    monkeypatch.setattr(agent_tasks, "write_answer", lambda _resources, attempt, **_: work(attempt))


def says_half_until_stopped(attempt: Attempt) -> None:
    attempt.emit("text", text="half")
    wait_until(lambda: attempt.is_stop_requested)
    attempt.check()


async def perform(worker: WorkerResources, run_id: UUID) -> None:
    await asyncio.to_thread(agent_tasks.perform_answer, worker, run_id)


def kept(engine: Engine) -> dict[str, int]:
    """How many rows there are of what a conversation leaves."""
    with engine.connect() as connection:
        tables = (Run, RunEvent, OutboxEntry, Message)
        counts = {
            table.__tablename__: connection.scalar(select(func.count()).select_from(table))
            for table in tables
        }
    return {name: count for name, count in counts.items() if count}


def hot_keys(redis: SyncRedis) -> list[Any]:
    return list(redis.scan_iter("run:*"))


async def test_a_stop_that_ends_an_answer_after_its_conversation_was_deleted_keeps_nothing(
    client: httpx2.AsyncClient,
    conversation: str,
    engine: Engine,
    sync_redis: SyncRedis,
    streams: RedisStreamManager,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_patient_no_longer = asyncio.Event()

    async def wait_for_end(*_: object, **__: object) -> None:
        await is_patient_no_longer.wait()

    monkeypatch.setattr(StreamHub, "wait_for_end", wait_for_end)
    run_id = UUID((await ask(client, conversation)).json()["run_id"])
    await asyncio.to_thread(_says_secrets_and_dies, engine, streams, run_id)
    stopping = asyncio.create_task(client.post(f"{conversation}/stop"))
    await wait_until_async(lambda: row_of(engine, run_id).stop_requested_at)
    assert (await client.delete(conversation)).status_code == 204
    expire_lease(engine, run_id)
    is_patient_no_longer.set()
    assert (await stopping).status_code == 404
    assert kept(engine) == {}
    assert hot_keys(sync_redis) == []
    assert (await client.get(f"/api/v1/runs/{run_id}/events")).status_code == 404


def _says_secrets_and_dies(engine: Engine, streams: RedisStreamManager, run_id: UUID) -> None:
    run = claim_run(engine, run_id, lease_seconds=60, max_attempts=3)
    assert run
    with Attempt(run, engine, streams, lease_seconds=60, leaving=Leaving()) as attempt:
        attempt.emit("text", text="secret")
        wait_until(lambda: len(recorded(engine, run_id)) == 3)


async def test_a_worker_that_is_killed_right_after_the_end_leaves_nothing_in_the_record(
    client: httpx2.AsyncClient,
    conversation: str,
    engine: Engine,
    worker: WorkerResources,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def die(*_: object) -> None:
        raise Killed

    works_as(monkeypatch, says_half_until_stopped)
    monkeypatch.setattr(EventWriter, "publish_end", die)
    run_id = UUID((await ask(client, conversation)).json()["run_id"])
    answering = asyncio.create_task(perform(worker, run_id))
    await wait_until_async(lambda: len(recorded(engine, run_id)) == 3)
    assert (await client.delete(conversation)).status_code == 204
    with pytest.raises(Killed):
        await answering
    assert kept(engine) == {}


async def test_readers_are_told_the_end_of_an_answer_that_is_kept_nowhere(
    client: httpx2.AsyncClient,
    conversation: str,
    engine: Engine,
    sync_redis: SyncRedis,
    worker: WorkerResources,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    publish = EventWriter.publish_end

    def publish_and_note(self: EventWriter, end: Any) -> None:
        publish(self, end)
        told.extend(map(str, sync_redis.xrange(f"run:{{{run_id}}}:events")[-1][1]))

    works_as(monkeypatch, says_half_until_stopped)
    monkeypatch.setattr(EventWriter, "publish_end", publish_and_note)
    run_id = UUID((await ask(client, conversation)).json()["run_id"])
    answering = asyncio.create_task(perform(worker, run_id))
    await wait_until_async(lambda: len(recorded(engine, run_id)) == 3)
    assert (await client.delete(conversation)).status_code == 204
    await answering
    assert any("end" in word for word in told)
    assert kept(engine) == {}
    assert hot_keys(sync_redis) == []


async def test_an_end_that_is_pushed_after_the_conversation_was_deleted_leaves_no_hot_copy(
    client: httpx2.AsyncClient,
    conversation: str,
    engine: Engine,
    sync_redis: SyncRedis,
    worker: WorkerResources,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_deleted = threading.Event()
    publish = EventWriter.publish_end

    def publish_late(self: EventWriter, end: Any) -> None:
        assert is_deleted.wait(20)
        publish(self, end)

    works_as(monkeypatch, lambda attempt: attempt.emit("text", text="whole"))
    monkeypatch.setattr(EventWriter, "publish_end", publish_late)
    run_id = UUID((await ask(client, conversation)).json()["run_id"])
    answering = asyncio.create_task(perform(worker, run_id))
    await wait_until_async(lambda: row_of(engine, run_id).ended_at)
    assert (await client.delete(conversation)).status_code == 204
    is_deleted.set()
    await answering
    assert kept(engine) == {}
    assert hot_keys(sync_redis) == []


async def test_an_answer_to_nobody_that_cannot_be_stored_is_kept_nowhere_either(
    client: httpx2.AsyncClient,
    conversation: str,
    engine: Engine,
    sync_redis: SyncRedis,
    worker: WorkerResources,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise ValueError("broken on purpose")

    run_id = UUID((await ask(client, conversation)).json()["run_id"])
    assert claim_run(engine, run_id, lease_seconds=60, max_attempts=3)
    assert (await client.delete(conversation)).status_code == 204
    with engine.begin() as connection:
        connection.execute(update(Run).values(deaths=worker.settings.max_attempts))
    expire_lease(engine, run_id)
    monkeypatch.setattr(agent_tasks, "settle_question", breaks)
    await perform(worker, run_id)
    assert kept(engine) == {}
    assert hot_keys(sync_redis) == []


async def test_an_answer_that_is_taken_back_in_a_conversation_that_stays_keeps_its_run(
    client: httpx2.AsyncClient,
    conversation: str,
    engine: Engine,
    worker: WorkerResources,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    works_as(monkeypatch, says_half_until_stopped)
    run_id = UUID((await ask(client, conversation)).json()["run_id"])
    answering = asyncio.create_task(perform(worker, run_id))
    await wait_until_async(lambda: len(recorded(engine, run_id)) == 3)
    assert (await ask(client, conversation, "Again?", "rollback")).status_code == 202
    await answering
    assert row_of(engine, run_id).status == "cancelled"
    ends = [kind for _, kind, _ in await read_sse(client, f"/api/v1/runs/{run_id}/events")]
    assert ends == ["queued", "started", "text", "end"]
