"""A conversation's session as SQL: the run under way, or the newest one, and how it stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from sqlalchemy import ScalarSelect, Select, extract, func, or_, select, true

from riverrun.auth.grants import Right
from riverrun.auth.principal import Principal, scoped
from riverrun.conversations.models import Conversation
from riverrun.conversations.reading_statements import hides_sources, readable_runs
from riverrun.conversations.session_names import SessionName
from riverrun.runs.line_statements import ACTIVE
from riverrun.runs.models import Run, RunEvent, RunKind, RunStatus
from riverrun.streaming.cursor import START, Position

TYPICAL_RUNS = 20
"""Among how many runs the typical duration is looked for."""


@dataclass(frozen=True, slots=True)
class RecordedSession:
    """What the record says of a session."""

    run: Run | None
    session_id: str | None
    top: Position
    last_activity: datetime | None
    typical_seconds: float | None
    hides_sources: bool

    @classmethod
    def of(cls, row: Sequence[Any]) -> Self:
        """A row of ``session_of``."""
        run, name, attempt, seq, recorded_at, typical, hides = row
        if run is None:
            return cls(None, None, START, None, None, hides)
        top = Position(attempt, seq) if seq else START
        return cls(run, name or str(run.id), top, recorded_at or run.created_at, typical, hides)


def session_of(principal: Principal, conversation_id: UUID) -> Select[Any]:
    """Row of a ``RecordedSession``; no row: no such conversation for this principal.

    One look-up in an index for each of conversation, run, name and newest event, however much there is of them.
    """
    newest_event = (
        select(RunEvent.attempt, RunEvent.seq, RunEvent.recorded_at)
        .where(RunEvent.run_id == Run.id)
        .order_by(RunEvent.seq.desc())
        .limit(1)
        .lateral()
    )
    current = func.coalesce(_active_run(conversation_id), _newest_run(conversation_id))
    return (
        scoped(principal, Conversation, Right.VIEW)
        .where(Conversation.id == conversation_id)
        .with_only_columns(
            Run,
            SessionName.session_id,
            newest_event.c.attempt,
            newest_event.c.seq,
            newest_event.c.recorded_at,
            _typical_seconds(principal),
            hides_sources(principal),
        )
        .select_from(Conversation)
        .outerjoin(Run, Run.id == current)
        .outerjoin(SessionName, SessionName.run_id == Run.id)
        .outerjoin(newest_event, true())
    )


def run_named(principal: Principal, conversation_id: UUID, session_id: str) -> Select[Any]:
    """The run that the client named so, else the one that has it as its id."""
    by_name = SessionName.session_id == session_id
    return (
        readable_runs(principal)
        .outerjoin(SessionName, SessionName.run_id == Run.id)
        .where(Run.subject_id == conversation_id, or_(by_name, Run.id == _uuid_or_none(session_id)))
        .order_by(by_name.desc().nulls_last())
        .limit(1)
    )


def runs_ended_since(conversation_id: UUID, moment: datetime) -> Select[UUID]:
    """The runs of which there may still be a hot copy."""
    return select(Run.id).where(Run.subject_id == conversation_id, Run.ended_at > moment).limit(1_000)


def _active_run(conversation_id: UUID) -> ScalarSelect[UUID]:
    """The running one, else the first of those that wait."""
    return (
        select(Run.id)
        .where(Run.subject_id == conversation_id, Run.status.in_(ACTIVE))
        .order_by((Run.status == RunStatus.RUNNING).desc(), Run.number)
        .limit(1)
        .scalar_subquery()
    )


def _newest_run(conversation_id: UUID) -> ScalarSelect[UUID]:
    return (
        select(Run.id)
        .where(Run.subject_id == conversation_id)
        .order_by(Run.created_at.desc())
        .limit(1)
        .scalar_subquery()
    )


def _typical_seconds(principal: Principal) -> ScalarSelect[float]:
    """How long the user's newest answers took, in the middle; none when there are none among the newest runs."""
    newest = (
        select(Run.kind, Run.status, Run.started_at, Run.ended_at)
        .where(Run.user_id == principal.user_id)
        .order_by(Run.created_at.desc())
        .limit(TYPICAL_RUNS)
        .subquery()
    )
    seconds = extract("epoch", newest.c.ended_at - newest.c.started_at)
    return (
        select(func.percentile_cont(0.5).within_group(seconds))
        .where(newest.c.status == RunStatus.COMPLETED, newest.c.kind != RunKind.INDEXING)
        .scalar_subquery()
    )


def _uuid_or_none(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
