"""A lease that only looks as if it had run out is not taken from a worker that is alive."""

import threading
import time
from uuid import UUID

import pytest
from sqlalchemy import Engine, text, update
from tests.support.process_tree import frozen
from tests.support.run_reading import expire_lease, keep, recorded, row_of, says
from tests.support.waiting import wait_until

from riverrun.embedded import EmbeddedServers
from riverrun.infra.worker_resources import WorkerResources
from riverrun.runs import lease_statements
from riverrun.runs.attempt import Attempt
from riverrun.runs.lease import claim_run
from riverrun.runs.models import Run
from riverrun.runs.performance import perform_run


@pytest.fixture
def worker(worker: WorkerResources) -> WorkerResources:
    """One whose lease is not due to be renewed, by its own clock, as long as a test takes."""
    worker.settings.lease_seconds = 600
    return worker


def test_a_worker_that_is_alive_keeps_its_run_although_the_databases_clock_was_set_forward(
    worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    def work(attempt: Attempt) -> None:
        attempt.emit("text", text="mine")
        expire_lease(engine, queued_run)
        perform_run(queued_run, worker, says("intruder"), keep)

    perform_run(queued_run, worker, work, keep)
    run = row_of(engine, queued_run)
    assert (run.status, run.attempt, run.deaths) == ("completed", 1, 0)
    assert [event.type for event in recorded(engine, queued_run)] == ["queued", "started", "text", "end"]


def test_a_postgres_that_stands_still_for_longer_than_a_lease_takes_no_run_from_its_worker(
    worker: WorkerResources, servers: EmbeddedServers, engine: Engine, queued_run: UUID
) -> None:
    worker.settings.lease_seconds = 1.5

    def work(attempt: Attempt) -> None:
        attempt.emit("text", text="mine")
        again = threading.Thread(target=perform_run, args=(queued_run, worker, says("intruder"), keep))
        with frozen(servers.pids["postgres"]):
            again.start()
            after_the_lease = time.monotonic() + 2
            wait_until(lambda: time.monotonic() > after_the_lease)
        again.join()

    perform_run(queued_run, worker, work, keep)
    run = row_of(engine, queued_run)
    assert (run.status, run.attempt, run.deaths) == ("completed", 1, 0)


def test_a_keeper_renews_a_lease_that_is_too_long_for_its_clock_was_set_back(
    worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    def work(_: Attempt) -> None:
        given = row_of(engine, queued_run).lease_until
        with engine.begin() as connection:
            connection.execute(update(Run).values(lease_until=text("now() + interval '1 day'")))
        wait_until(lambda: 0 < (row_of(engine, queued_run).lease_until - given).total_seconds() < 600)

    perform_run(queued_run, worker, work, keep)
    assert row_of(engine, queued_run).status == "completed"


def test_a_lease_that_nobody_renews_is_taken_and_counted_as_a_death(engine: Engine, queued_run: UUID) -> None:
    assert claim_run(engine, queued_run, lease_seconds=60, max_attempts=3)
    expire_lease(engine, queued_run)
    claimed = claim_run(engine, queued_run, lease_seconds=60, max_attempts=3)
    assert claimed
    assert (claimed.attempt, claimed.deaths) == (2, 1)


def test_of_two_who_look_at_the_same_dead_lease_one_gets_it(
    worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    assert claim_run(engine, queued_run, lease_seconds=60, max_attempts=3)
    expire_lease(engine, queued_run)
    both = [
        threading.Thread(target=perform_run, args=(queued_run, worker, says("once"), keep)) for _ in range(2)
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert [event.type for event in recorded(engine, queued_run)] == ["queued", "attempt", "text", "end"]


def test_a_lease_that_was_given_back_needs_no_second_look(
    engine: Engine, queued_run: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = claim_run(engine, queued_run, lease_seconds=60, max_attempts=3)
    assert given
    with engine.begin() as connection:
        connection.execute(lease_statements.give_back(given.lease))
    monkeypatch.setattr(
        "riverrun.runs.lease._let_its_keeper_renew_it", lambda: pytest.fail("nobody keeps it")
    )
    claimed = claim_run(engine, queued_run, lease_seconds=60, max_attempts=3)
    assert claimed
    assert (claimed.attempt, claimed.deaths) == (2, 0)
