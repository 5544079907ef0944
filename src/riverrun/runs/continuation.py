"""Where a reader goes on: exactly after its position, at a reset, or nowhere because it has everything."""

from dataclasses import dataclass

from riverrun.runs.event_log import AsyncEventLog
from riverrun.runs.models import Run
from riverrun.streaming.cursor import START, Cursor, Position
from riverrun.streaming.events import Event
from riverrun.streaming.redis_streaming import AsyncRedisStreamManager
from riverrun.streaming.resets import read_reset
from riverrun.streaming.run_log import RunLog

LARGEST_SEQ = 2**31 - 1
"""What the record's column holds; a client may name any number up to 2^53."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """Events after ``position`` follow; ``reset``, if any, is to be sent before them."""

    position: Position
    reset: Event | None = None


async def find_continuation(
    run: Run, cursor: Cursor, record: AsyncEventLog, streams: AsyncRedisStreamManager, run_log: RunLog
) -> Continuation | None:
    """Where a reader at ``cursor`` goes on; none when it is at or after the run's end.

    A position is known when the record or the hot copy holds that very event. Any other one, such as a place in an
    attempt that was dropped, is answered by a reset: the whole so far, and the position from which to go on.
    """
    if cursor.seq == 0:
        return Continuation(START)
    attempt = await record.attempt_at(run.id, min(cursor.seq, run.end_seq or LARGEST_SEQ))
    if run.end_seq is not None and cursor.seq >= run.end_seq and cursor.attempt in (None, attempt):
        return None
    if attempt is not None and cursor.attempt in (None, attempt):
        return Continuation(Position(attempt, cursor.seq))
    ahead = Position(run.attempt, cursor.seq)
    is_ahead_of_record = attempt is None and run.end_seq is None and cursor.attempt in (None, run.attempt)
    if is_ahead_of_record and await streams.has(run.id, ahead):
        return Continuation(ahead)
    reset = await read_reset(run.id, run_log)
    return Continuation(reset.position, reset)


def recorded_end(run: Run) -> Position:
    """Where a run that is over ended: a reader then does not wait for an ``end`` that Redis lost. Else the start."""
    return START if run.end_seq is None else Position(max(run.attempt, 1), run.end_seq)
