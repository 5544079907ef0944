"""Performing a run: claim it, do the work, and end it in exactly one way, whatever happens."""

import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from riverrun.infra.worker_resources import WorkerResources
from riverrun.kit.problem import Problem
from riverrun.runs import lease_statements
from riverrun.runs.attempt import Attempt, Recorder
from riverrun.runs.errors import RunFailed, RunStopped
from riverrun.runs.hot_task import HotTask
from riverrun.runs.lease import ClaimedRun, claim_run
from riverrun.runs.models import RunStatus
from riverrun.runs.run_metrics import FENCED, HANDED_OVER, AttemptMetrics, RunMetrics
from riverrun.streaming.errors import Fenced
from riverrun.streaming.rare_paths import RarePath, note
from riverrun.streaming.redis_streaming import RedisStreamManager

logger = logging.getLogger(__name__)

POISON = RunFailed(
    "Poison run",
    "No worker that took this run could bring it to an end. Look into the workers' log before you try again.",
)
INTERNAL = RunFailed(
    "Internal error", "Something broke inside the worker; what was written so far is kept. Its log says more."
)


def perform_run(
    run_id: UUID,
    resources: WorkerResources,
    work: Callable[[Attempt], None],
    record: Recorder,
    *,
    task_id: str | None = None,
    at_last: Recorder = lambda *_: None,
) -> None:
    """Run ``work`` if this worker gets the lease; a run that is another's, or over, is left alone.

    ``work`` ends by returning (completed), by RunStopped (cancelled) or by a Problem (error); ``record`` is called in
    the transaction that ends the run, each time. A worker that is told to leave takes no run, and hands over the one it has.
    ``task_id`` is Celery's, for those who poll. ``at_last`` records instead of ``record`` when that could not after the last
    of its tries.
    """
    settings = resources.settings
    if resources.leaving.is_announced:
        _leave_to_others(run_id, resources.engine)
        return
    resources.leaving.begin_run()
    metrics = RunMetrics(resources.metrics)
    with metrics.rare_paths():
        run = claim_run(
            resources.engine, run_id, lease_seconds=settings.lease_seconds, max_attempts=settings.max_attempts
        )
        if run is None:
            note(RarePath.REDELIVERY, run_id)
            return
        span = resources.tracing.span("attempt", traceparent=run.traceparent, attributes=_facts_of(run))
        with metrics.attempt(run) as told, span as traced:
            _perform(run, resources, work, record, task_id, at_last, told)
            traced.set_attribute("riverrun.outcome", told.outcome)


def _perform(
    run: ClaimedRun,
    resources: WorkerResources,
    work: Callable[[Attempt], None],
    record: Recorder,
    task_id: str | None,
    at_last: Recorder,
    told: AttemptMetrics,
) -> None:
    settings = resources.settings
    streams = RedisStreamManager(resources.redis, ttl_seconds=settings.stream_ttl_seconds)
    hot_task = HotTask(streams, run.id, task_id)
    try:
        attempt = Attempt(
            run, resources.engine, streams, lease_seconds=settings.lease_seconds, leaving=resources.leaving
        )
        with attempt:
            hot_task.begin()
            status, problem = _outcome(attempt, work, max_deaths=settings.max_attempts)
            error = problem.document() if problem else None
            if attempt.is_leaving and status is not RunStatus.COMPLETED:
                attempt.hand_over()
                told.outcome = HANDED_OVER
                return
            with resources.tracing.span("end", attributes={"riverrun.status": status}):
                if run.deaths < settings.max_attempts:
                    attempt.finish(status, error=error, record=record)
                else:
                    _finish_at_last(attempt, status, error, record, at_last)
            told.outcome = status
            hot_task.end(status)
    except Fenced:
        told.outcome = HANDED_OVER if resources.leaving.is_due else FENCED
        if told.outcome == FENCED:
            note(RarePath.FENCE, run.id)
        logger.warning("run %s: attempt %s is over: handed over, or taken over", run.id, run.attempt)


def _facts_of(run: ClaimedRun) -> dict[str, Any]:
    """What an attempt's span says of the run: nothing that anybody wrote."""
    return {"riverrun.run_id": str(run.id), "riverrun.kind": run.kind, "riverrun.attempt": run.attempt}


def _leave_to_others(run_id: UUID, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(lease_statements.wake_again(run_id))


def _finish_at_last(
    attempt: Attempt, status: RunStatus, error: dict[str, Any] | None, record: Recorder, at_last: Recorder
) -> None:
    """End a run that was tried often enough, also when what it made cannot be stored: its events are."""
    try:
        attempt.finish(status, error=error, record=record)
    except Fenced:
        raise
    except Exception:
        logger.exception("run %s: what it made cannot be stored", attempt.run.id)
        attempt.finish(status, error=error, record=at_last)


def _outcome(
    attempt: Attempt, work: Callable[[Attempt], None], *, max_deaths: int
) -> tuple[RunStatus, Problem | None]:
    try:
        attempt.check()
        if attempt.run.deaths >= max_deaths:
            note(RarePath.POISON, attempt.run.id)
            raise POISON
        work(attempt)
    except RunStopped:
        return RunStatus.CANCELLED, None
    except Fenced:
        raise
    except Problem as problem:
        return RunStatus.ERROR, problem
    except Exception:
        logger.exception("run %s broke", attempt.run.id)
        return RunStatus.ERROR, INTERNAL
    return RunStatus.COMPLETED, None
