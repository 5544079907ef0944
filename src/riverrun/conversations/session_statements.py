"""A conversation's session as SQL: the run under way, or the newest one, and how it stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from sqlalchemy import (
    Delete,
    ScalarSelect,
    Select,
    Text,
    Uuid,
    bindparam,
    delete,
    extract,
    func,
    or_,
    select,
    true,
)

from riverrun.auth.grants import Right
from riverrun.auth.principal import CALLER, Principal, caller, has_right
from riverrun.conversations.models import Conversation
from riverrun.conversations.reading_statements import READABLE_RUNS, hides_sources
from riverrun.conversations.session_names import SessionName, id_in
from riverrun.runs.line_statements import ACTIVE, newest_run_of
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
        """A row of ``SESSION``."""
        run, name, attempt, seq, recorded_at, typical, hides = row
        if run is None:
            return cls(None, None, START, None, None, hides)
        top = Position(attempt, seq) if seq else START
        return cls(run, name or str(run.id), top, recorded_at or run.created_at, typical, hides)


def _active_run() -> ScalarSelect[UUID]:
    """The running one, else the first of those that wait."""
    return (
        select(Run.id)
        .where(Run.subject_id == _CONVERSATION_ID, Run.status.in_(ACTIVE))
        .order_by((Run.status == RunStatus.RUNNING).desc(), Run.number)
        .limit(1)
        .scalar_subquery()
    )


def _typical_seconds() -> ScalarSelect[float]:
    """How long the newest answers to the conversation's owner took, in the middle; none when there are none among the newest runs."""
    newest = (
        select(Run.kind, Run.status, Run.started_at, Run.ended_at)
        .where(Run.owner_id == Conversation.user_id)
        .order_by(Run.created_at.desc())
        .limit(TYPICAL_RUNS)
        .correlate(Conversation)
        .subquery()
    )
    seconds = extract("epoch", newest.c.ended_at - newest.c.started_at)
    return (
        select(func.percentile_cont(0.5).within_group(seconds))
        .where(newest.c.status == RunStatus.COMPLETED, newest.c.kind != RunKind.INDEXING)
        .scalar_subquery()
    )


_CONVERSATION_ID = bindparam("conversation_id", type_=Uuid())
_NEWEST_EVENT = (
    select(RunEvent.attempt, RunEvent.seq, RunEvent.recorded_at)
    .where(RunEvent.run_id == Run.id)
    .order_by(RunEvent.seq.desc())
    .limit(1)
    .lateral()
)

SESSION: Select[Any] = (
    select(
        Run,
        SessionName.session_id,
        _NEWEST_EVENT.c.attempt,
        _NEWEST_EVENT.c.seq,
        _NEWEST_EVENT.c.recorded_at,
        _typical_seconds(),
        hides_sources(CALLER),
    )
    .select_from(Conversation)
    .outerjoin(Run, Run.id == func.coalesce(_active_run(), newest_run_of(_CONVERSATION_ID)))
    .outerjoin(SessionName, SessionName.run_id == Run.id)
    .outerjoin(_NEWEST_EVENT, true())
    .where(Conversation.id == _CONVERSATION_ID, has_right(CALLER, Conversation, Right.VIEW))
)
"""Row of a ``RecordedSession``; no row: no such conversation for the caller.

A look-up or two in an index for each of conversation, run, name and newest event, however much there is of them.
"""

_IS_NAMED = SessionName.session_id == bindparam("session_id", type_=Text())
_HAS_ID = Run.id == bindparam("run_id", type_=Uuid())

RUN_NAMED = (
    READABLE_RUNS.outerjoin(SessionName, SessionName.run_id == Run.id)
    .where(Run.subject_id == _CONVERSATION_ID, or_(_IS_NAMED, _HAS_ID))
    .order_by(_HAS_ID.desc().nulls_last())
    .limit(1)
)
"""The row of ``READABLE_RUNS`` that has it as its id, else the one that the client named so: an id is never another's."""


def session_values(principal: Principal, conversation_id: UUID, session_id: str = "") -> dict[str, Any]:
    """The values of these statements."""
    named = {"session_id": session_id, "run_id": id_in(session_id)}
    return {**caller(principal), "conversation_id": conversation_id, **named}


def runs_ended_since(conversation_id: UUID, moment: datetime) -> Select[UUID]:
    """The runs of which there may still be a hot copy."""
    return select(Run.id).where(Run.subject_id == conversation_id, Run.ended_at > moment).limit(1_000)


def forget_ended_runs(conversation_id: UUID) -> Delete:
    """Drop what is over in it, with all that was recorded of it. What was used stays in the ledger."""
    over = delete(Run).where(Run.subject_id == conversation_id, Run.ended_at.is_not(None))
    return over.execution_options(synchronize_session=False)
