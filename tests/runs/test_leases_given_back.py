"""A worker that leaves gives its run back at once, and that is no death."""

import os
import signal
import threading
from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import Engine, update
from tests.support.run_reading import expire_lease, keep, recorded, row_of, says, wake_up_sent_at
from tests.support.stories import make_run
from tests.support.waiting import wait_until

from riverrun.infra.settings import Settings
from riverrun.infra.worker_leaving import Leaving
from riverrun.infra.worker_resources import WorkerResources
from riverrun.kit.clock import now
from riverrun.runs import statements
from riverrun.runs.attempt import Attempt
from riverrun.runs.errors import RunStopped
from riverrun.runs.models import OutboxEntry, RunKind
from riverrun.runs.performance import perform_run
from riverrun.streaming.errors import Fenced


@pytest.fixture
def next_worker(settings: Settings) -> Iterator[WorkerResources]:
    """Another worker, which nobody has told to leave."""
    resources = WorkerResources.open(settings, Leaving())
    yield resources
    resources.runner.close()
    resources.redis.close()
    resources.engine.dispose()


@pytest.fixture(autouse=True)
def _sent(engine: Engine, queued_run: UUID) -> None:
    """The run's wake-up has left, as it has when a worker gets it."""
    with engine.begin() as connection:
        connection.execute(update(OutboxEntry).values(sent_at=now()))


def leaves_in_mid_work(worker: WorkerResources):
    """Work that is interrupted by the word to leave, and ends as an answer or an indexing does."""

    def work(attempt: Attempt) -> None:
        interrupted = threading.Event()
        attempt.on_interrupt(interrupted.set)
        attempt.emit("progress", phase="parsing", done=1, total=2, unit="files")
        worker.leaving.announce()
        assert interrupted.wait(10)
        assert attempt.is_stop_requested
        attempt.check()

    return work


def test_the_next_worker_has_the_run_without_waiting_for_the_lease(
    worker: WorkerResources, next_worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    perform_run(queued_run, worker, leaves_in_mid_work(worker), keep)
    run = row_of(engine, queued_run)
    assert (run.status, run.attempt, run.lease_owner) == ("running", 1, None)
    assert wake_up_sent_at(engine, queued_run) is None

    perform_run(queued_run, next_worker, says("all"), keep)
    run = row_of(engine, queued_run)
    assert (run.status, run.attempt, run.deaths) == ("completed", 2, 0)
    assert [event.type for event in recorded(engine, queued_run)] == ["queued", "attempt", "text", "end"]


def test_an_indexing_goes_on_where_it_was_handed_over(
    worker: WorkerResources, next_worker: WorkerResources, engine: Engine, user_id: UUID
) -> None:
    run_id = make_run(engine, user_id, RunKind.INDEXING)
    perform_run(run_id, worker, leaves_in_mid_work(worker), keep)
    perform_run(run_id, next_worker, says(), keep)
    events = recorded(engine, run_id)
    assert [event.type for event in events] == ["queued", "started", "progress", "attempt", "end"]
    assert events[3].fields["keeps_seq"] == 3


def test_work_that_does_not_end_loses_its_lease_all_the_same(
    worker: WorkerResources, next_worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    def stubborn(attempt: Attempt) -> None:
        worker.leaving.announce()
        wait_until(lambda: row_of(engine, queued_run).lease_owner is None)
        with pytest.raises(Fenced):
            attempt.emit("text", text="after the hand-over")
        perform_run(queued_run, next_worker, says("new"), keep)

    perform_run(queued_run, worker, stubborn, keep)
    run = row_of(engine, queued_run)
    assert (run.status, run.attempt, run.deaths) == ("completed", 2, 0)
    assert [event.type for event in recorded(engine, queued_run)][-1] == "end"


def test_work_that_is_complete_is_not_handed_over(
    worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    def work(attempt: Attempt) -> None:
        attempt.emit("text", text="all of it")
        worker.leaving.announce()
        wait_until(lambda: attempt.is_leaving)

    perform_run(queued_run, worker, work, keep)
    assert row_of(engine, queued_run).status == "completed"


def test_a_run_that_was_stopped_ends_here_also_when_the_worker_leaves(
    worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    def work(attempt: Attempt) -> None:
        with engine.begin() as connection:
            connection.execute(statements.request_stop(queued_run))
        worker.leaving.announce()
        wait_until(lambda: attempt._stop_requested.is_set())
        raise RunStopped

    perform_run(queued_run, worker, work, keep)
    assert row_of(engine, queued_run).status == "cancelled"


def test_a_worker_that_leaves_takes_no_run_and_lets_it_be_sent_again(
    worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    worker.leaving.announce()

    def never(_: Attempt) -> None:
        pytest.fail("a worker that leaves must not begin anything")

    perform_run(queued_run, worker, never, keep)
    assert row_of(engine, queued_run).status == "queued"
    assert wake_up_sent_at(engine, queued_run) is None


def test_hand_overs_are_no_deaths_however_many_there_are(
    settings: Settings, next_worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    for _ in range(settings.max_attempts + 1):
        leaving = WorkerResources.open(settings, Leaving())
        perform_run(queued_run, leaving, leaves_in_mid_work(leaving), keep)
        leaving.runner.close()
        leaving.redis.close()
        leaving.engine.dispose()
    perform_run(queued_run, next_worker, says("at last"), keep)
    run = row_of(engine, queued_run)
    assert (run.status, run.attempt, run.deaths) == ("completed", settings.max_attempts + 2, 0)


def test_a_worker_that_dies_after_a_hand_over_is_one_death(
    worker: WorkerResources, next_worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    perform_run(queued_run, worker, leaves_in_mid_work(worker), keep)

    def dies(attempt: Attempt) -> None:
        attempt._release_keeper()
        expire_lease(engine, queued_run)
        raise Fenced

    perform_run(queued_run, next_worker, dies, keep)
    perform_run(queued_run, next_worker, says("alive"), keep)
    assert (row_of(engine, queued_run).attempt, row_of(engine, queued_run).deaths) == (3, 1)


def test_a_sigterm_to_one_process_hands_over_the_run_that_it_has_and_not_the_next(
    worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    former = signal.getsignal(signal.SIGTERM)
    worker.leaving.hand_over_at_sigterm()

    def work(attempt: Attempt) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        wait_until(lambda: attempt.is_leaving)
        attempt.check()

    try:
        perform_run(queued_run, worker, work, keep)
    finally:
        signal.signal(signal.SIGTERM, former)
    assert row_of(engine, queued_run).lease_owner is None
    perform_run(queued_run, worker, says("again, by the same process"), keep)
    assert row_of(engine, queued_run).status == "completed"


def test_the_word_to_leave_reaches_processes_that_were_forked_before() -> None:
    leaving = Leaving()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        wait_until(lambda: leaving.is_due)
        os.write(writer, b"leaves")
        os._exit(0)
    leaving.announce()
    os.waitpid(child, 0)
    assert os.read(reader, 6) == b"leaves"
