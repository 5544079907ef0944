"""Runs, their events, and the outbox that wakes workers for them."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, Integer, Text, func, text
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
    INDEXING = "indexing"

    @property
    def restarts(self) -> bool:
        """Whether a new attempt begins anew: half an answer cannot be gone on with, half an index can."""
        return self is RunKind.ANSWER


ACTIVE = "status IN ('queued', 'running')"


class Run(Base):
    """Anything long. ``subject_id`` is what it works on: a conversation or a project.

    At most one run of a subject is active; the database itself refuses a second.
    ``lease_until`` is the instant from which another worker may take the run over.
    """

    __tablename__ = "runs"
    __table_args__ = (
        Index("uq_runs_active_subject", "subject_id", unique=True, postgresql_where=text(ACTIVE)),
        Index("uq_runs_idempotency", "subject_id", "user_id", "idempotency_key", unique=True),
        Index("ix_runs_user_created", "user_id", "created_at"),
        Index("ix_runs_subject_created", "subject_id", "created_at"),
        Index("ix_runs_active", "status", postgresql_where=text(ACTIVE)),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_uuid)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[UUID]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """What the worker needs to begin: ids and small values, never secrets."""
    idempotency_key: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, default=RunStatus.QUEUED)
    attempt: Mapped[int] = mapped_column(Integer, default=0)
    lease_owner: Mapped[str | None] = mapped_column(Text)
    lease_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    stop_requested_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    end_seq: Mapped[int | None] = mapped_column(Integer)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
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
