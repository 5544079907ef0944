"""What is too large for one event: long texts are cut into several, a tool's long result is stored and pointed to."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

from sqlalchemy import Engine, Select, select
from sqlalchemy.dialects.postgresql import Insert, insert

from riverrun.runs import statements
from riverrun.runs.statements import Lease
from riverrun.runs.tool_records import ToolResult
from riverrun.streaming.errors import Fenced
from riverrun.streaming.events import MAX_FRAME_BYTES, EventType

PIECE_CHARS = MAX_FRAME_BYTES // 6 - 100
"""JSON takes six bytes for a character at most; the rest of the frame is small."""

TEXTS = (EventType.TEXT, EventType.THINKING)


def split(event_type: str, fields: dict[str, Any]) -> list[dict[str, Any]]:
    """``fields`` as one event or, of a long text, as several in order, each of which fits into a frame."""
    if event_type not in TEXTS or len(fields["text"]) <= PIECE_CHARS:
        return [fields]
    text = fields["text"]
    return [
        fields | {"text": text[start : start + PIECE_CHARS]} for start in range(0, len(text), PIECE_CHARS)
    ]


def pointer_to(run_id: UUID, call_id: str) -> str:
    """Where a stored result can be read."""
    return f"/api/v1/runs/{run_id}/results/{quote(call_id, safe='')}"


class ResultStore:
    """Keeps one attempt's large results."""

    def __init__(self, lease: Lease, engine: Engine) -> None:
        self._lease = lease
        self._engine = engine

    def keep(self, call_id: str, result: str) -> dict[str, Any]:
        """Store a result, committed; the fields of the event that points to it.

        Raises:
            Fenced: another attempt owns the run; nothing was stored.
        """
        run_id, attempt, _ = self._lease
        with self._engine.begin() as connection:
            if connection.execute(statements.look_while_holding(self._lease)).first() is None:
                raise Fenced(f"run {run_id}: attempt {attempt} does not own it any more")
            connection.execute(store(run_id, attempt, call_id, result))
        return {
            "call_id": call_id,
            "pointer": pointer_to(run_id, call_id),
            "bytes": len(result.encode()),
        }


def store(run_id: UUID, attempt: int, call_id: str, result: str) -> Insert:
    """Keep a result; one of the same call id, which an attempt before has left, is replaced."""
    row = insert(ToolResult).values(run_id=run_id, attempt=attempt, call_id=call_id, result=result)
    return row.on_conflict_do_update(
        index_elements=[ToolResult.run_id, ToolResult.call_id],
        set_={"attempt": row.excluded.attempt, "result": row.excluded.result},
    )


def stored_result(run_id: UUID, call_id: str) -> Select[ToolResult]:
    """A result by its call."""
    return select(ToolResult).where(ToolResult.run_id == run_id, ToolResult.call_id == call_id)
