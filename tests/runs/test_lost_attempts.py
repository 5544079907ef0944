"""An attempt that Redis lost, or never heard of, is told to it by the next one: both copies say the same text."""

from uuid import UUID

import pytest
from sqlalchemy import Engine
from tests.support.run_reading import ask_to_stop, expire_lease, hot, keep, recorded
from tests.support.waiting import wait_until

from riverrun.infra.redis_clients import SyncRedis, open_redis
from riverrun.infra.worker_resources import WorkerResources
from riverrun.runs.attempt import Attempt
from riverrun.runs.lease import claim_run
from riverrun.runs.performance import perform_run
from riverrun.streaming.redis_streaming import RedisStreamManager
from riverrun.streaming.snapshot import Snapshot

NOWHERE = "redis://127.0.0.1:1/0"


def speak_and_die(
    run_id: UUID, worker: WorkerResources, streams: RedisStreamManager, word: str, count: int
) -> None:
    """An attempt whose worker dies once all that it said is recorded."""
    claimed = claim_run(worker.engine, run_id, lease_seconds=60, max_attempts=3)
    assert claimed is not None
    with Attempt(claimed, worker.engine, streams, lease_seconds=60, leaving=worker.leaving) as attempt:
        for number in range(count):
            attempt.emit("text", text=f"{word}{number} ")
        wait_until(lambda: recorded(worker.engine, run_id)[-1].position == attempt._writer.top)
    expire_lease(worker.engine, run_id)


def never(_: Attempt) -> None:
    pytest.fail("this attempt only ends the run")


@pytest.mark.parametrize("is_stopped", [True, False], ids=["a stop", "too many deaths"])
def test_a_take_over_brings_redis_the_attempt_that_it_never_heard_of(
    worker: WorkerResources, engine: Engine, sync_redis: SyncRedis, queued_run: UUID, is_stopped: bool
) -> None:
    live = RedisStreamManager(sync_redis, ttl_seconds=60)
    with open_redis(NOWHERE) as nowhere:
        unheard = RedisStreamManager(nowhere, ttl_seconds=60)
        speak_and_die(queued_run, worker, live, "old", 8)
        speak_and_die(queued_run, worker, unheard, "new", 3)
        if is_stopped:
            ask_to_stop(engine, queued_run)
        else:
            speak_and_die(queued_run, worker, unheard, "newest", 3)
    perform_run(queued_run, worker, never, keep)
    told, kept = Snapshot.of_log(hot(sync_redis, queued_run)), Snapshot.of_log(recorded(engine, queued_run))
    assert told.text == kept.text == ("new0 new1 new2 " if is_stopped else "newest0 newest1 newest2 ")
    assert hot(sync_redis, queued_run)[-1].fields["text_sha256"] == told.text_sha256


def test_a_restart_is_appended_to_whatever_redis_has(
    worker: WorkerResources, engine: Engine, sync_redis: SyncRedis, queued_run: UUID
) -> None:
    live = RedisStreamManager(sync_redis, ttl_seconds=60)
    speak_and_die(queued_run, worker, live, "old", 8)
    speak_and_die(queued_run, worker, live, "new", 3)
    perform_run(queued_run, worker, lambda attempt: attempt.emit("text", text="last"), keep)
    assert [str(event.position) for event in hot(sync_redis, queued_run)][-7:] == [
        *("2-2", "2-3", "2-4", "2-5"),
        *("3-2", "3-3", "3-4"),
    ]
    assert Snapshot.of_log(hot(sync_redis, queued_run)).text == "last"
    assert Snapshot.of_log(recorded(engine, queued_run)).text == "last"
