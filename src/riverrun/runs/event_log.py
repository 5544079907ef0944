"""The log of record in Postgres, as the hub reads it."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from riverrun.runs import statements
from riverrun.streaming.cursor import Position
from riverrun.streaming.events import Event, EventType

QUEUED = Event.create(Position(1, 1), EventType.QUEUED, {})
"""What every run begins with; it is recorded with the run."""


def decode_rows(rows: Iterable[Any]) -> list[Event]:
    """Events of rows ``(attempt, seq, type, data)``."""
    return [Event(Position(attempt, seq), kind, data.encode()) for attempt, seq, kind, data in rows]


class AsyncEventLog:
    """Reads runs' events. Each call borrows a connection for one statement: an open stream holds none."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")  # one round trip, not three

    async def read_after(self, run_id: UUID, position: Position, *, limit: int | None) -> list[Event]:
        """At most ``limit`` events after ``position``, in order."""
        async with self._engine.connect() as connection:
            return decode_rows(await connection.execute(statements.events_after(run_id, position, limit)))

    async def attempt_at(self, run_id: UUID, seq: int) -> int | None:
        """Which attempt said event ``seq``; none when no such event is recorded."""
        async with self._engine.connect() as connection:
            attempt: int | None = await connection.scalar(statements.event_at(run_id, seq))
            return attempt

    async def tops(self, run_ids: Sequence[UUID]) -> dict[UUID, Position]:
        """The newest recorded position of each run that has events."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(statements.tops(run_ids))
            return {run_id: Position(attempt, seq) for run_id, attempt, seq in rows}
