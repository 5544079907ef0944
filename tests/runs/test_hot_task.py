"""What Redis knows of a task beside its events, and that nothing depends on it."""

import threading
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine
from tests.support.asking import ask
from tests.support.run_reading import ask_to_stop, keep, row_of, says
from tests.support.waiting import wait_until

from riverrun.infra.redis_clients import open_redis
from riverrun.infra.worker_resources import WorkerResources
from riverrun.runs import attempt as attempt_module
from riverrun.runs.attempt import Attempt
from riverrun.runs.errors import RunFailed
from riverrun.runs.event_log import QUEUED
from riverrun.runs.hot_task import HotTask
from riverrun.runs.models import RunStatus
from riverrun.runs.performance import perform_run
from riverrun.streaming.commands import AppendOutcome
from riverrun.streaming.redis_streaming import RedisStreamManager


def test_the_status_follows_the_run(
    worker: WorkerResources, streams: RedisStreamManager, queued_run: UUID
) -> None:
    seen = []

    def work(attempt: Attempt) -> None:
        seen.append((streams.get_task_status(queued_run), streams.get_task_id(queued_run)))

    perform_run(queued_run, worker, work, keep, task_id="celery's")
    assert seen == [("running", "celery's")]
    assert streams.get_task_status(queued_run) == "completed"


async def test_a_post_begins_the_hot_copy_so_that_nobody_asks_the_record_for_it(
    client: httpx2.AsyncClient, conversation: str, streams: RedisStreamManager
) -> None:
    run_id = UUID((await ask(client, conversation, "Why?")).json()["run_id"])
    assert streams.publish_event(run_id, QUEUED) is AppendOutcome.KNOWN
    assert streams.get_task_status(run_id) == "queued"


def test_an_error_is_told_as_one(
    worker: WorkerResources, streams: RedisStreamManager, queued_run: UUID
) -> None:
    def work(_: Attempt) -> None:
        raise RunFailed("No", "It does not work.")

    perform_run(queued_run, worker, work, keep)
    assert streams.get_task_status(queued_run) == "error"
    assert streams.get_task_id(queued_run) is None


def test_a_redis_that_is_away_is_told_nothing_and_stops_nobody() -> None:
    with open_redis("redis://127.0.0.1:1/0") as nobody:
        task = HotTask(RedisStreamManager(nobody, ttl_seconds=60), UUID(int=1), "celery's")
        task.begin()
        task.end(RunStatus.COMPLETED)


def test_a_stop_is_heard_with_the_next_event_sooner_than_by_looking(
    worker: WorkerResources,
    engine: Engine,
    streams: RedisStreamManager,
    queued_run: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attempt_module, "BATCH_SECONDS", 3_600.0)
    interrupted = threading.Event()

    def work(attempt: Attempt) -> None:
        attempt.on_interrupt(interrupted.set)
        attempt.emit("text", text="said ")
        ask_to_stop(engine, queued_run)
        streams.set_cancellation(queued_run)
        assert not interrupted.is_set()
        attempt.emit("text", text="heard")
        wait_until(interrupted.is_set)
        attempt.check()

    perform_run(queued_run, worker, work, keep)
    assert row_of(engine, queued_run).status == "cancelled"


def test_a_cancellation_without_an_intent_in_the_record_stops_nothing(
    worker: WorkerResources, engine: Engine, streams: RedisStreamManager, queued_run: UUID
) -> None:
    streams.set_cancellation(queued_run)
    perform_run(queued_run, worker, says("all ", "of ", "it"), keep)
    assert row_of(engine, queued_run).status == "completed"
