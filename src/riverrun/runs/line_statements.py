"""The line of a subject's runs as SQL: who works, who waits, whose turn it is."""

from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, ScalarSelect, Select, select
from sqlalchemy.orm import aliased

from riverrun.runs.models import OutboxEntry, Run, RunStatus

ACTIVE = (RunStatus.QUEUED, RunStatus.RUNNING)
NEWEST_RUNS = 20
"""Among how many runs, the newest by the clocks of all API processes, the one with the highest number is the newest."""


def active_runs_of(subject_id: UUID) -> Select[Run]:
    """The runs that work on ``subject_id`` or wait to, in the order of the line."""
    return select(Run).where(Run.subject_id == subject_id, Run.status.in_(ACTIVE)).order_by(Run.number)


def active_run_of(subject_id: UUID) -> Select[Run]:
    """The one run that works on ``subject_id`` now, or is about to."""
    return active_runs_of(subject_id).limit(1)


def newest_run_of(subject_id: UUID | BindParameter[UUID]) -> ScalarSelect[UUID]:
    """The id of the run that ``subject_id`` got last, active or over.

    The number tells, not ``created_at``: of two API processes one's clock may be behind. That column has the index, which
    finds the few that come into question.
    """
    newest = (
        select(Run.id, Run.number)
        .where(Run.subject_id == subject_id)
        .order_by(Run.created_at.desc())
        .limit(NEWEST_RUNS)
        .subquery()
    )
    return select(newest.c.id).order_by(newest.c.number.desc()).limit(1).scalar_subquery()


_earlier = aliased(Run)
IS_FIRST_IN_LINE: ColumnElement[bool] = ~(
    select(_earlier.id)
    .where(_earlier.subject_id == Run.subject_id, _earlier.number < Run.number, _earlier.status.in_(ACTIVE))
    .exists()
)
"""Of ``Run``: no run of its subject that was accepted before it is active. Built once: an alias takes milliseconds."""


def next_wake_up(subject_id: UUID | ScalarSelect[UUID]) -> Select[UUID, str, str]:
    """The wake-up of the run whose turn it is on ``subject_id``, if that waits."""
    return (
        select(OutboxEntry.run_id, OutboxEntry.task, OutboxEntry.queue)
        .join(Run, Run.id == OutboxEntry.run_id)
        .where(Run.subject_id == subject_id, Run.status == RunStatus.QUEUED, IS_FIRST_IN_LINE)
    )


def next_wake_up_beside(run_id: UUID) -> Select[UUID, str, str]:
    """The same for the subject of a run."""
    return next_wake_up(select(Run.subject_id).where(Run.id == run_id).scalar_subquery())
