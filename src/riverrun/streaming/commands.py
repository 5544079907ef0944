"""Redis as data: key names, the append script, frames. Nothing here opens, awaits or logs."""

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

from riverrun.streaming.cursor import Position
from riverrun.streaming.events import Event


class AppendOutcome(StrEnum):
    """What the append script did with an event."""

    APPENDED = "APPENDED"
    KNOWN = "KNOWN"
    """It is already there: an idempotent re-send."""
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
if attempt == top_attempt and seq <= top_seq then return 'KNOWN' end
local takes_over = attempt > top_attempt and ARGV[5] == 'attempt'
if takes_over then
  if seq > top_seq + 1 then return 'HOLE' end
elseif seq ~= top_seq + 1 or (attempt > top_attempt and top_attempt > 0) then
  return 'HOLE'
end
local id = ARGV[3] .. '-' .. ARGV[4]
redis.call('XADD', KEYS[1], id, 't', ARGV[5], 'd', ARGV[6])
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('PUBLISH', ARGV[1], id .. ' ' .. ARGV[5] .. ' ' .. ARGV[6])
return 'APPENDED'
"""
"""Compare and append in one step: XADD, EXPIRE and PUBLISH of the same frame, or the reason why not."""


def stream_key(run_id: UUID) -> str:
    """The run's stream; the hash tag keeps all keys of a run on one node of a cluster."""
    return f"run:{{{run_id}}}:events"


def live_channel(run_id: UUID) -> str:
    """Where each appended event is pushed."""
    return f"run:{{{run_id}}}:live"


def append_arguments(run_id: UUID, event: Event, ttl_seconds: int) -> list[str | int | bytes]:
    """ARGV of APPEND_SCRIPT, whose one key is the run's stream."""
    attempt, seq = event.position
    return [live_channel(run_id), ttl_seconds, attempt, seq, event.type, event.data]


def exclusive(position: Position) -> str:
    """XRANGE's lower bound: everything after ``position``."""
    return f"({position}"


def decode_entries(entries: Sequence[tuple[bytes, dict[bytes, bytes]]]) -> list[Event]:
    """Events of an XRANGE or XREVRANGE reply, in its order."""
    return [
        Event(decode_position(entry_id), fields[b"t"].decode(), fields[b"d"]) for entry_id, fields in entries
    ]


def decode_position(entry_id: bytes) -> Position:
    """``b"2-17"`` as a position."""
    attempt, _, seq = entry_id.partition(b"-")
    return Position(int(attempt), int(seq))


def decode_frame(frame: bytes) -> Event:
    """An event as the append script published it: ``<id> <type> <data>``."""
    entry_id, event_type, data = frame.split(b" ", 2)
    return Event(decode_position(entry_id), event_type.decode(), data)


def contiguous_after(position: Position, events: Sequence[Event]) -> bool:
    """Whether ``events`` go on from ``position`` without a hole; an empty answer proves nothing and is false."""
    return bool(events) and events[0].continues(position)
