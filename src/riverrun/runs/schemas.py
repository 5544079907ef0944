"""Runs on the wire."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from riverrun.runs.models import Run


class RunView(BaseModel):
    """A run as lists and pages show it."""

    run_id: UUID
    kind: str
    status: str
    subject_id: UUID
    attempt: int
    title: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    error: dict[str, Any] | None

    @classmethod
    def of(cls, run: Run) -> "RunView":
        return cls(
            run_id=run.id,
            kind=run.kind,
            status=run.status,
            subject_id=run.subject_id,
            attempt=run.attempt,
            title=str(run.payload.get("title", "")),
            created_at=run.created_at,
            started_at=run.started_at,
            ended_at=run.ended_at,
            error=run.error,
        )


class StopReceipt(BaseModel):
    """What a stop left behind. While ``status`` is ``running`` the worker has not answered yet: ask again."""

    run_id: UUID
    status: str
    stopped_at: datetime | None
    saved_partial: bool
    message_id: UUID | None
    chars: int

    @classmethod
    def of(cls, run: Run) -> "StopReceipt":
        result = run.result or {}
        return cls(
            run_id=run.id,
            status=run.status,
            stopped_at=run.ended_at,
            saved_partial=run.status == "cancelled" and bool(result.get("message_id")),
            message_id=result.get("message_id"),
            chars=result.get("chars", 0),
        )
