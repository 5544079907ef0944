"""The line to Postgres is lost between a COMMIT and its answer: what was committed counts, once."""

from uuid import UUID

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError
from tests.support.run_reading import expire_lease, hot, keep, recorded, row_of, says

from riverrun.infra.redis_clients import SyncRedis
from riverrun.infra.worker_resources import WorkerResources
from riverrun.runs import patience
from riverrun.runs.attempt import Attempt
from riverrun.runs.performance import perform_run


class LosesTheAnswer:
    """Lets the next COMMIT through to Postgres, and tells the one who waits for it that the line is gone."""

    def __init__(self, engine: Engine) -> None:
        self.losses = 0
        event.listen(engine, "commit", self._commit)

    def _commit(self, connection) -> None:
        if self.losses == 0 and self._ends_the_run(connection):
            self.losses += 1
            connection.connection.commit()
            raise OperationalError("COMMIT", None, psycopg.OperationalError("the line is gone"))

    @staticmethod
    def _ends_the_run(connection) -> bool:
        return bool(connection.exec_driver_sql("SELECT 1 FROM runs WHERE end_seq IS NOT NULL").first())


def test_an_end_that_is_committed_already_is_pushed_and_not_taken_for_another_ones(
    worker: WorkerResources, engine: Engine, sync_redis: SyncRedis, queued_run: UUID, monkeypatch
) -> None:
    monkeypatch.setattr(patience, "RETRY_SECONDS", 0.05)
    line = LosesTheAnswer(worker.engine)
    perform_run(queued_run, worker, says("kept"), keep)
    assert line.losses == 1
    assert row_of(engine, queued_run).status == "completed"
    events = recorded(engine, queued_run)
    assert [event.type for event in events] == ["queued", "started", "text", "end"]
    assert hot(sync_redis, queued_run) == events


def test_an_end_that_another_attempt_committed_is_not_ours(
    worker: WorkerResources, engine: Engine, sync_redis: SyncRedis, queued_run: UUID
) -> None:
    def zombie(attempt: Attempt) -> None:
        attempt.emit("text", text="old")
        attempt._release_keeper()
        expire_lease(engine, queued_run)
        perform_run(queued_run, worker, says("new"), keep)

    perform_run(queued_run, worker, zombie, keep)
    events = recorded(engine, queued_run)
    assert [event.type for event in events] == ["queued", "attempt", "text", "end"]
    assert hot(sync_redis, queued_run)[-1] == events[-1]
