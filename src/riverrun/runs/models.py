"""Runs, their events, and the outbox that wakes workers for them."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, ForeignKey, Identity, Index, Integer, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from riverrun.infra.database import Base
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid


class RunStatus(StrEnum):
    """A run's one way down: queued, running, then one of the three ends."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    ERROR = "error"
    CANCELLED = "cancelled"


class RunKind(StrEnum):
    """What a run does; it decides the queue."""

    ANSWER = "answer"
    REGENERATION = "regeneration"
    INDEXING = "indexing"

    @property
    def restarts(self) -> bool:
        """Whether a new attempt begins anew: half an answer cannot be gone on with, half an index can."""
        return self is not RunKind.INDEXING


class IfBusy(StrEnum):
    """What a new run does when its subject has active ones, running or waiting."""

    REJECT = "reject"
    """It is refused."""
    ENQUEUE = "enqueue"
    """It waits for the end of all of them."""
    INTERRUPT = "interrupt"
    """They are stopped; what they said so far is kept."""
    ROLLBACK = "rollback"
    """They are stopped and taken back, as if nobody had asked; only their rows and events stay."""


ACTIVE = "status IN ('queued', 'running')"
RUNNING = "status = 'running'"


def _asker(context: Any) -> UUID:
    asker: UUID = context.get_current_parameters()["user_id"]
    return asker


class Run(Base):
    """Anything long. ``subject_id`` is what it works on: a conversation or a project.

    At most one run of a subject is running; the database itself refuses a second. The others wait in the order of
    their ``number``, which counts up as runs are accepted.
    ``lease_until`` is the instant from which another worker may take the run over.
    """

    __tablename__ = "runs"
    __table_args__ = (
        Index("uq_runs_running_subject", "subject_id", unique=True, postgresql_where=text(RUNNING)),
        Index("ix_runs_line", "subject_id", "number", postgresql_where=text(ACTIVE)),
        Index("uq_runs_idempotency", "subject_id", "user_id", "idempotency_key", unique=True),
        Index("ix_runs_owner_created", "owner_id", "created_at"),
        Index("ix_runs_subject_created", "subject_id", "created_at"),
        Index("ix_runs_active", "status", postgresql_where=text(ACTIVE)),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_uuid)
    number: Mapped[int] = mapped_column(BigInteger, Identity())
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    """Who asked for it."""
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), default=_asker)
    """Whose its subject is: in a shared conversation not always who asked."""
    kind: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[UUID]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """What the worker needs to begin: ids and small values, never secrets."""
    idempotency_key: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, default=RunStatus.QUEUED)
    attempt: Mapped[int] = mapped_column(Integer, default=0)
    deaths: Mapped[int] = mapped_column(Integer, default=0)
    """How many attempts ended with their worker; one that was handed over is none of them."""
    lease_owner: Mapped[str | None] = mapped_column(Text)
    lease_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    stop_requested_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    is_rolled_back: Mapped[bool] = mapped_column(default=False)
    """Whether what the run makes is to be thrown away; its events stay."""
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    end_seq: Mapped[int | None] = mapped_column(Integer)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    traceparent: Mapped[str | None] = mapped_column(Text)
    """The request that asked for it, as W3C trace context has it; none when nobody traced that."""
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """What the end of the run made, for a receipt: ``{message_id, chars}`` of an answer."""


class RunEvent(Base):
    """One event of a run, for good. ``data`` is the exact JSON text that went over the wire."""

    __tablename__ = "run_events"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    attempt: Mapped[int] = mapped_column(Integer)
    type: Mapped[str] = mapped_column(Text)
    data: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.clock_timestamp()
    )


class OutboxEntry(Base):
    """A wake-up that a worker still has to get; written with its run, sent after the commit."""

    __tablename__ = "outbox"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    task: Mapped[str] = mapped_column(Text)
    queue: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
