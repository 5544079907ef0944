"""Runs on the wire."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from riverrun.runs.models import Run
from riverrun.runs.tool_records import ToolResult


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


class ToolResultView(BaseModel):
    """What a tool said, whole; ``bytes`` is its length in UTF-8."""

    call_id: str
    attempt: int
    bytes: int
    result: str

    @classmethod
    def of(cls, stored: ToolResult) -> "ToolResultView":
        size = len(stored.result.encode())
        return cls(call_id=stored.call_id, attempt=stored.attempt, bytes=size, result=stored.result)


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
