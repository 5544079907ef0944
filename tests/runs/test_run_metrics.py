"""Each attempt is counted once, by how it ended, and each run once, by what it took."""

from uuid import UUID

import pytest
from sqlalchemy import Engine
from tests.support.run_reading import expire_lease, keep
from tests.support.scraping import Scrape, scrape_of
from tests.support.stories import make_run
from tests.support.waiting import wait_until

from riverrun.infra.worker_resources import WorkerResources
from riverrun.runs.attempt import Attempt
from riverrun.runs.errors import RunFailed, RunStopped
from riverrun.runs.lease import claim_run
from riverrun.runs.performance import perform_run

KIND = "answer"


def scrape(worker: WorkerResources) -> Scrape:
    assert worker.metrics is not None
    return scrape_of(worker.metrics.families())


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(None, "completed"), (RunFailed("No", "no."), "error"), (RunStopped(), "cancelled")],
)
def test_an_attempt_that_ends_a_run_is_counted_with_it(
    worker: WorkerResources, queued_run: UUID, error: Exception | None, outcome: str
) -> None:
    def work(_: Attempt) -> None:
        if error is not None:
            raise error

    perform_run(queued_run, worker, work, keep)
    seen = scrape(worker)
    assert seen.value("riverrun_attempts_started_total", kind=KIND) == 1
    assert seen.value("riverrun_attempts_total", kind=KIND, outcome=outcome) == 1
    for name in ("attempt_seconds", "run_wait_seconds", "run_seconds", "run_attempts"):
        assert seen.value(f"riverrun_{name}_count", kind=KIND) == 1, name
    assert seen.value("riverrun_run_attempts_bucket", kind=KIND, le="1") == 1


def test_a_run_that_is_given_back_is_over_for_the_attempt_alone(
    worker: WorkerResources, queued_run: UUID
) -> None:
    def leave(attempt: Attempt) -> None:
        worker.leaving.announce()
        wait_until(lambda: attempt.is_leaving)
        raise RunStopped

    perform_run(queued_run, worker, leave, keep)
    seen = scrape(worker)
    assert seen.value("riverrun_attempts_total", kind=KIND, outcome="handed_over") == 1
    assert seen.value("riverrun_run_seconds_count", kind=KIND) == 0


def test_a_fenced_attempt_and_a_message_that_came_twice_are_rare_paths(
    worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    def lose_the_lease(attempt: Attempt) -> None:
        attempt._release_keeper()
        expire_lease(engine, queued_run)
        claim_run(engine, queued_run, lease_seconds=15, max_attempts=3)
        attempt.patiently(lambda: None)

    for _ in range(2):
        perform_run(queued_run, worker, lose_the_lease, keep)
    seen = scrape(worker)
    assert seen.value("riverrun_attempts_total", kind=KIND, outcome="fenced") == 1
    assert seen.value("riverrun_rare_paths_total", path="fence") == 1
    assert seen.value("riverrun_rare_paths_total", path="redelivery") == 1


def test_a_run_that_cannot_be_stored_is_no_end(
    worker: WorkerResources, engine: Engine, user_id: UUID
) -> None:
    def break_down(*_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        perform_run(make_run(engine, user_id), worker, lambda _: None, break_down)
    seen = scrape(worker)
    assert seen.value("riverrun_attempts_total", kind=KIND, outcome="broken") == 1
    assert seen.value("riverrun_run_seconds_count", kind=KIND) == 0
