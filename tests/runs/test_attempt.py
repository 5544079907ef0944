"""A worker's try at a run, on real Postgres and Valkey: each run ends in exactly one way."""

import threading
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import Engine, select, update
from tests.support.run_reading import ask_to_stop, expire_lease, hot, keep, recorded, row_of, says
from tests.support.stories import make_run
from tests.support.waiting import wait_until

from riverrun.infra.redis_clients import SyncRedis
from riverrun.infra.settings import Settings
from riverrun.infra.worker_resources import WorkerResources
from riverrun.kit.clock import now
from riverrun.runs.attempt import Attempt
from riverrun.runs.errors import RunFailed, RunStopped
from riverrun.runs.lease import claim_run
from riverrun.runs.models import OutboxEntry, Run, RunKind
from riverrun.runs.performance import perform_run
from riverrun.streaming.errors import Fenced
from riverrun.streaming.redis_streaming import RedisStreamManager


def test_a_completed_run_says_the_same_in_both_copies(
    worker: WorkerResources, engine: Engine, sync_redis: SyncRedis, queued_run: UUID
) -> None:
    perform_run(queued_run, worker, says("Hel", "lo ", "wörld"), keep)

    events = recorded(engine, queued_run)
    assert events == hot(sync_redis, queued_run)
    assert [event.type for event in events] == ["queued", "started", "text", "text", "text", "end"]
    assert [event.position for event in events] == [(1, seq) for seq in range(1, 7)]
    assert events[-1].fields["chars"] == 11
    assert events[-1].fields["events"] == 6
    run = row_of(engine, queued_run)
    assert (run.status, run.end_seq, run.result, run.lease_until) == ("completed", 6, {"kept": True}, None)
    with engine.connect() as connection:
        assert connection.execute(select(OutboxEntry)).all() == []


def test_a_run_is_performed_once(worker: WorkerResources, engine: Engine, queued_run: UUID) -> None:
    perform_run(queued_run, worker, says("once"), keep)
    perform_run(queued_run, worker, says("twice"), keep)
    assert [event.fields.get("text") for event in recorded(engine, queued_run) if event.type == "text"] == [
        "once"
    ]


def test_a_live_lease_keeps_a_redelivered_task_out(
    worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    def work(attempt: Attempt) -> None:
        perform_run(queued_run, worker, says("intruder"), keep)
        attempt.emit("text", text="mine")

    perform_run(queued_run, worker, work, keep)
    assert row_of(engine, queued_run).attempt == 1


def test_a_silent_worker_keeps_its_lease(worker: WorkerResources, engine: Engine, queued_run: UUID) -> None:
    def work(attempt: Attempt) -> None:
        first = row_of(engine, queued_run).lease_until
        wait_until(lambda: row_of(engine, queued_run).lease_until > first)

    perform_run(queued_run, worker, work, keep)
    assert row_of(engine, queued_run).status == "completed"


def test_a_stop_is_seen_in_silent_work_and_keeps_what_was_said(
    worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    def work(attempt: Attempt) -> None:
        attempt.emit("text", text="half")
        interrupted = threading.Event()
        attempt.on_interrupt(interrupted.set)
        ask_to_stop(engine, queued_run)
        assert interrupted.wait(10)
        attempt.check()

    perform_run(queued_run, worker, work, keep)
    run = row_of(engine, queued_run)
    assert run.status == "cancelled"
    end = recorded(engine, queued_run)[-1].fields
    assert (end["status"], end["chars"]) == ("cancelled", 4)


@pytest.mark.parametrize(
    ("failure", "title"),
    [(RunFailed("Model away", "Try again."), "Model away"), (ValueError("secret"), "Internal error")],
)
def test_an_error_ends_the_run_as_an_error(
    worker: WorkerResources, engine: Engine, queued_run: UUID, failure: Exception, title: str
) -> None:
    def work(attempt: Attempt) -> None:
        attempt.emit("text", text="partial")
        raise failure

    perform_run(queued_run, worker, work, keep)
    end = recorded(engine, queued_run)[-1]
    assert end.fields["status"] == "error"
    assert end.fields["error"]["title"] == title
    assert b"secret" not in end.data
    assert row_of(engine, queued_run).error == end.fields["error"]


def test_a_new_attempt_takes_over_and_the_zombie_is_fenced(
    worker: WorkerResources, engine: Engine, sync_redis: SyncRedis, queued_run: UUID
) -> None:
    def zombie(attempt: Attempt) -> None:
        attempt.emit("text", text="old")
        attempt._release_keeper()
        expire_lease(engine, queued_run)
        perform_run(queued_run, worker, says("new"), keep)
        with pytest.raises(Fenced):
            attempt.emit("text", text="zombie")
        raise Fenced

    perform_run(queued_run, worker, zombie, keep)
    events = recorded(engine, queued_run)
    assert [(event.position, event.type) for event in events] == [
        ((1, 1), "queued"),
        ((2, 2), "attempt"),
        ((2, 3), "text"),
        ((2, 4), "end"),
    ]
    assert events[1].fields["keeps_seq"] == 1
    assert b"zombie" not in b"".join(event.data for event in hot(sync_redis, queued_run))


def test_an_indexing_run_goes_on_where_its_dead_worker_stopped(
    worker: WorkerResources, engine: Engine, user_id: UUID, settings: Settings
) -> None:
    run_id = make_run(engine, user_id, RunKind.INDEXING)
    claimed = claim_run(engine, run_id, lease_seconds=10, max_attempts=3)
    assert claimed is not None
    streams = RedisStreamManager(worker.redis, ttl_seconds=60)
    with Attempt(claimed, engine, streams, lease_seconds=10, leaving=worker.leaving) as dead:
        dead.emit("progress", phase="parsing", done=1, total=2, unit="files")
        wait_until(lambda: len(recorded(engine, run_id)) == 3)
    expire_lease(engine, run_id)
    perform_run(run_id, worker, says(), keep)
    events = recorded(engine, run_id)
    assert [event.type for event in events] == ["queued", "started", "progress", "attempt", "end"]
    assert [event.position.seq for event in events] == [1, 2, 3, 4, 5]


def test_a_run_that_kills_its_workers_is_poison(
    worker: WorkerResources, engine: Engine, queued_run: UUID, settings: Settings
) -> None:
    for _ in range(settings.max_attempts):
        assert claim_run(engine, queued_run, lease_seconds=10, max_attempts=3)
        expire_lease(engine, queued_run)

    def never(_: Attempt) -> None:
        pytest.fail("a poison run must not be worked on")

    perform_run(queued_run, worker, never, keep)
    run = row_of(engine, queued_run)
    assert (run.status, run.error["title"]) == ("error", "Poison run")


def test_a_redis_that_loses_everything_gets_it_back(
    worker: WorkerResources, engine: Engine, sync_redis: SyncRedis, queued_run: UUID
) -> None:
    def work(attempt: Attempt) -> None:
        attempt.emit("text", text="a")
        sync_redis.flushall()
        attempt.emit("text", text="b")

    perform_run(queued_run, worker, work, keep)
    assert recorded(engine, queued_run) == hot(sync_redis, queued_run)
    assert len(hot(sync_redis, queued_run)) == 5


def test_the_record_is_at_most_a_batch_behind(
    worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    def work(attempt: Attempt) -> None:
        for number in range(200):
            attempt.emit("text", text=str(number))
        wait_until(lambda: len(recorded(engine, queued_run)) == 202)

    perform_run(queued_run, worker, work, keep)


def test_what_the_run_made_commits_with_its_end_or_not_at_all(
    worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    def break_down(*_: Any) -> None:
        raise RuntimeError("cannot be stored")

    with pytest.raises(RuntimeError):
        perform_run(queued_run, worker, says("lost?"), break_down)
    assert row_of(engine, queued_run).status == "running"
    assert recorded(engine, queued_run)[-1].type != "end"
    expire_lease(engine, queued_run)
    perform_run(queued_run, worker, says("kept"), keep)
    assert row_of(engine, queued_run).status == "completed"


def test_a_run_that_can_never_be_stored_ends_all_the_same(
    worker: WorkerResources, engine: Engine, queued_run: UUID, settings: Settings
) -> None:
    def break_down(*_: Any) -> None:
        raise RuntimeError("cannot be stored")

    for _ in range(settings.max_attempts):
        with pytest.raises(RuntimeError):
            perform_run(queued_run, worker, says("again"), break_down)
        expire_lease(engine, queued_run)
    perform_run(queued_run, worker, says("never"), break_down)
    run = row_of(engine, queued_run)
    assert (run.status, run.error["title"]) == ("error", "Poison run")
    assert "died" not in run.error["detail"]
    assert [event.type for event in recorded(engine, queued_run)][-2:] == ["attempt", "end"]


def test_a_stop_before_the_start_ends_without_working(
    worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    with engine.begin() as connection:
        connection.execute(update(Run).values(stop_requested_at=now()))

    def never(_: Attempt) -> None:
        pytest.fail("a stopped run must not be worked on")

    perform_run(queued_run, worker, never, keep)
    assert row_of(engine, queued_run).status == "cancelled"


def test_no_event_has_two_payloads(worker: WorkerResources, engine: Engine, queued_run: UUID) -> None:
    perform_run(queued_run, worker, says(*map(str, range(300))), keep)
    seqs = [orjson.loads(event.data)["seq"] for event in recorded(engine, queued_run)]
    assert seqs == list(range(1, 304))


def test_work_that_notices_the_stop_itself_is_cancelled(
    worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    def work(_: Attempt) -> None:
        raise RunStopped

    perform_run(queued_run, worker, work, keep)
    assert row_of(engine, queued_run).status == "cancelled"
