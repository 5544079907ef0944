"""The task that indexes a project."""

from functools import cache, partial
from typing import Any
from uuid import UUID

from celery import shared_task
from sqlalchemy import Connection

from riverrun.infra.task_base import RunTask
from riverrun.infra.worker_resources import WorkerResources
from riverrun.parsing import statements
from riverrun.parsing.errors import IndexingFailed, IndexingStopped
from riverrun.parsing.indexer import index_project
from riverrun.parsing.parse_pool import ParsePool
from riverrun.parsing.source_opening import remove_deserted_clones
from riverrun.runs.attempt import Attempt
from riverrun.runs.errors import RunFailed, RunStopped
from riverrun.runs.models import RunStatus
from riverrun.runs.performance import perform_run
from riverrun.runs.task_names import INDEXING_TASK
from riverrun.streaming.events import EventType


@shared_task(bind=True, base=RunTask, name=INDEXING_TASK)  # type: ignore[untyped-decorator]
def process_parsing(self: RunTask, run_id: str) -> None:
    """Index the project of a run."""
    work = partial(bring_up_to_date, self.resources)
    perform_run(UUID(run_id), self.resources, work, note_failure, task_id=self.request.id)


@cache
def parsers() -> ParsePool:
    """This worker process's parse helpers, which stay warm from one run to the next."""
    return ParsePool()


def bring_up_to_date(resources: WorkerResources, attempt: Attempt) -> None:
    """Index what changed, telling the progress.

    Raises:
        RunStopped: somebody stopped the run; what is indexed stays, the next run goes on from there.
        RunFailed: the source cannot be read, in words for a person.
    """
    with resources.engine.connect() as connection:
        remove_deserted_clones(connection, resources.settings.data_dir)

    def report(phase: str, done: int, total: int, unit: str) -> None:
        attempt.emit(EventType.PROGRESS, phase=phase, done=done, total=total, unit=unit)

    try:
        index_project(
            resources.engine,
            attempt.run.subject_id,
            resources.settings,
            progress=report,
            should_stop=lambda: attempt.is_stop_requested,
            parsers=parsers(),
        )
    except IndexingStopped as stop:
        raise RunStopped from stop
    except IndexingFailed as failure:
        raise RunFailed("Indexing failed", str(failure)) from failure


def note_failure(
    connection: Connection, attempt: Attempt, status: RunStatus, error: dict[str, Any] | None
) -> None:
    """Let the project say what went wrong, also when it was nothing that the indexer foresaw."""
    if error is not None:
        connection.execute(statements.note_failure(attempt.run.subject_id, error["detail"]))
