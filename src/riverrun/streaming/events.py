"""Events: what a run says, in the form in which it is stored, sent and replayed, byte for byte."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

import orjson

from riverrun.streaming.cursor import Position
from riverrun.streaming.errors import OversizedFrame

MAX_FRAME_BYTES = 64 * 1024

_SSE = b"id: %b\nevent: %b\ndata: %b\n\n"


class EventType(StrEnum):
    """The types of shared vocabulary; ``end`` comes exactly once, last."""

    QUEUED = "queued"
    STARTED = "started"
    TEXT = "text"
    THINKING = "thinking"
    TOOL_CALL = "tool_call"
    TOOL_RESULT = "tool_result"
    CITATION = "citation"
    PROGRESS = "progress"
    ATTEMPT = "attempt"
    RESET = "reset"
    END = "end"


@dataclass(slots=True)
class Event:
    """One entry of a run's log, never changed. ``data`` is one line of JSON that begins with ``seq`` and ``attempt``."""

    position: Position
    type: str
    data: bytes
    _sse: bytes | None = field(default=None, compare=False, repr=False)

    @classmethod
    def create(cls, position: Position, event_type: str, fields: dict[str, Any]) -> Self:
        """Encode ``fields`` once; every later reader gets these bytes.

        Raises:
            OversizedFrame: over ``MAX_FRAME_BYTES``; a ``reset``, which is never stored, may be larger.
        """
        data = orjson.dumps({"seq": position.seq, "attempt": position.attempt, **fields})
        if len(data) > MAX_FRAME_BYTES and event_type != EventType.RESET:
            raise OversizedFrame(f"a {event_type} event of {len(data):,} bytes; at most {MAX_FRAME_BYTES:,}")
        return cls(position, event_type, data)

    @classmethod
    def of_bytes(cls, entry_id: bytes, event_type: bytes, data: bytes) -> Self:
        """An event as Redis has it: what is to be sent is joined from these bytes as they are."""
        attempt, _, seq = entry_id.partition(b"-")
        return cls(
            Position(int(attempt), int(seq)),
            event_type.decode(),
            data,
            _SSE % (entry_id, event_type, data),
        )

    @property
    def fields(self) -> dict[str, Any]:
        """The decoded data, ``seq`` and ``attempt`` included."""
        decoded: dict[str, Any] = orjson.loads(self.data)
        return decoded

    @property
    def sse(self) -> bytes:
        """The event on the wire, encoded once for all its readers."""
        if self._sse is None:
            self._sse = _SSE % (str(self.position).encode(), self.type.encode(), self.data)
        return self._sse

    @property
    def is_end(self) -> bool:
        return self.type == EventType.END

    @property
    def keeps_seq(self) -> int | None:
        """Of an ``attempt`` event: the last seq that stays valid; none for all other types."""
        return int(self.fields["keeps_seq"]) if self.type == EventType.ATTEMPT else None

    def continues(self, position: Position) -> bool:
        """Whether a reader at ``position`` may take this event next without having missed one."""
        attempt, seq = self.position
        if seq == position.seq + 1 and (attempt == position.attempt or position.attempt == 0):
            return True
        if attempt <= position.attempt or position.attempt == 0:
            return False
        keeps_seq = self.keeps_seq
        return keeps_seq is not None and keeps_seq <= position.seq
