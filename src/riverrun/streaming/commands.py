"""Redis as data: key names, the append script, frames. Nothing here opens, awaits or logs."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from riverrun.streaming.cursor import Position
from riverrun.streaming.events import Event

PAGE_EVENTS = 256
"""So many are read, or written, at a time: more in one go would hold the loop."""
Entries = Any
"""An XRANGE reply as it came, ``[[id, [b"t", type, b"d", data, b"s", second]], ...]``; redis-py's own type knows no encoding."""


class AppendOutcome(StrEnum):
    """What the append script did with an event."""

    APPENDED = "APPENDED"
    STOPPING = "STOPPING"
    """It is appended, and somebody has asked for the run's stop: look at the record at once."""
    KNOWN = "KNOWN"
    """It is already there: an idempotent re-send. To one who has said nothing yet: the attempt is somebody else's, whom the
    record does not know."""
    HOLE = "HOLE"
    """Entries before it are missing: re-append from the log, then again."""
    FENCED = "FENCED"
    """A newer attempt has written."""


APPEND_SCRIPT = """
local attempt, seq = tonumber(ARGV[3]), tonumber(ARGV[4])
local top_attempt, top_seq = 0, 0
local top = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
if top[1] then
  local a, s = string.match(top[1][1], '(%d+)-(%d+)')
  top_attempt, top_seq = tonumber(a), tonumber(s)
end
if attempt < top_attempt then return 'FENCED' end
if attempt == top_attempt and (seq <= top_seq or ARGV[5] == 'attempt') then return 'KNOWN' end
local takes_over = attempt > top_attempt and ARGV[5] == 'attempt'
if takes_over then
  if seq > top_seq + 1 then return 'HOLE' end
elseif seq ~= top_seq + 1 or (attempt > top_attempt and top_attempt > 0) then
  return 'HOLE'
end
local id = ARGV[3] .. '-' .. ARGV[4]
local time = redis.call('TIME')
redis.call('XADD', KEYS[1], id, 't', ARGV[5], 'd', ARGV[6], 's', time[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('PUBLISH', ARGV[1], id .. ' ' .. ARGV[5] .. ' ' .. ARGV[6])
if redis.call('EXISTS', KEYS[2]) == 1 then return 'STOPPING' end
return 'APPENDED'
"""
"""Compare and append in one step: XADD, EXPIRE and PUBLISH of the same frame, or the reason why not.

An entry's ``s`` is the second in which it was appended; it is for polls, and no part of the event. An attempt begins once:
a second beginning of it is known, wherever it stands.
"""

START_OVER = b"0-0 reset {}"
"""A frame that is no event: what readers were given is not what the run has said."""

TOPS_SCRIPT = """
local tops = {}
for number, key in ipairs(KEYS) do
  local top = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)
  tops[number] = top[1] and top[1][1] or ''
end
return tops
"""
"""The newest entry's id of each stream, empty for none: a hundred runs cost their reader what one does."""

SET_STATUS_SCRIPT = """
local ranks = {queued = 1, running = 2}
local held = redis.call('GET', KEYS[1])
if held and (ranks[held] or 3) >= (ranks[ARGV[1]] or 3) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
"""
"""A run goes one way: queued, running, ended. Whoever is late cannot take it back."""


class TaskState(NamedTuple):
    """The hot copy of how a run's task stands; what it does not know is none."""

    status: str | None
    task_id: str | None
    top: Position | None
    last_activity: datetime | None
    """When the newest event was appended, to the second."""


class Place(NamedTuple):
    """A position in a run's log."""

    run_id: UUID
    position: Position


class Stretch(NamedTuple):
    """What a stream holds from a place on: ``events`` after it, in order."""

    events: list[Event]
    holds_place: bool
    """Whether the event at the place itself is there."""
    reaches_top: bool
    """Whether the stream ended there when it was read."""


def stream_key(run_id: UUID) -> str:
    """The run's stream; the hash tag keeps all keys of a run on one node of a cluster."""
    return f"run:{{{run_id}}}:events"


def status_key(run_id: UUID) -> str:
    """The status of the run's task, as its row has it or is about to."""
    return f"run:{{{run_id}}}:status"


def task_key(run_id: UUID) -> str:
    """Celery's id of the task that works on the run, as the worker's log has it."""
    return f"run:{{{run_id}}}:task"


def cancellation_key(run_id: UUID) -> str:
    """There while a stop is asked for: a nudge, the intent itself is in the run's row."""
    return f"run:{{{run_id}}}:cancel"


def append_keys(run_id: UUID) -> list[str]:
    """KEYS of APPEND_SCRIPT."""
    return [stream_key(run_id), cancellation_key(run_id)]


def session_keys(run_id: UUID) -> list[str]:
    """All that Redis holds of a run."""
    return [stream_key(run_id), status_key(run_id), task_key(run_id), cancellation_key(run_id)]


def live_channel(run_id: UUID) -> str:
    """Where each appended event is pushed."""
    return f"run:{{{run_id}}}:live"


def append_arguments(run_id: UUID, event: Event, ttl_seconds: int) -> list[str | int | bytes]:
    """ARGV of APPEND_SCRIPT."""
    attempt, seq = event.position
    return [live_channel(run_id), ttl_seconds, attempt, seq, event.type, event.data]


def decode_text(reply: bytes | str | None) -> str | None:
    """A GET's reply; none for no key."""
    return reply.decode() if isinstance(reply, bytes) else reply


def decode_entries(entries: Entries) -> list[Event]:
    """Events of an XRANGE or XREVRANGE reply, in its order."""
    return [Event.of_bytes(entry_id, fields[1], fields[3]) for entry_id, fields in entries]


def decode_stretch(position: Position, entries: Entries, *, limit: int) -> Stretch:
    """An XRANGE reply of at most ``limit`` entries whose lower bound was ``position`` itself."""
    events = decode_entries(entries)
    holds_place = bool(events) and events[0].position == position
    return Stretch(events[1:] if holds_place else events, holds_place, len(entries) < limit)


def after(position: Position) -> str:
    """The lower bound of an XRANGE that begins with the next entry."""
    return f"({position}"


def decode_page(position: Position, entries: Entries) -> list[Event]:
    """An XRANGE reply that begins ``after`` the position; none of it when it does not go on from there."""
    events = decode_entries(entries)
    return events if contiguous_after(position, events) else []


def decode_state(status: bytes | None, task_id: bytes | None, newest: Entries) -> TaskState:
    """The replies of GET, GET, and an XREVRANGE of one entry."""
    entry_id, fields = newest[0] if newest else (None, [])
    seconds = fields[5] if len(fields) > 5 else None
    return TaskState(
        decode_text(status),
        decode_text(task_id),
        decode_position(entry_id) if entry_id else None,
        datetime.fromtimestamp(int(seconds), UTC) if seconds else None,
    )


def has_started(status: str | None, *, require_running: bool) -> bool:
    """Whether a task of this status has begun, or at least is known where ``require_running`` is false."""
    return status is not None and not (require_running and status == "queued")


def decode_position(entry_id: bytes) -> Position:
    """``b"2-17"`` as a position."""
    attempt, _, seq = entry_id.partition(b"-")
    return Position(int(attempt), int(seq))


def decode_frame(frame: bytes) -> Event:
    """An event as the append script published it: ``<id> <type> <data>``."""
    return Event.of_bytes(*frame.split(b" ", 2))


def contiguous_after(position: Position, events: Sequence[Event]) -> bool:
    """Whether ``events`` go on from ``position`` without a hole; an empty answer proves nothing and is false."""
    return bool(events) and events[0].continues(position)
