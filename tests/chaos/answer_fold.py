"""A reader's own reading of the wire contract (docs/streaming.md): it takes events in, and objects to what it forbids.

Written from the document alone; nothing of it comes out of src.
"""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any


class Objection(Exception):
    """The contract is broken; ``invariant`` is its number in the list of promises, such as ``I3``."""

    def __init__(self, invariant: str, words: str) -> None:
        super().__init__(f"{invariant}: {words}")
        self.invariant = invariant


class TakenBack(Exception):
    """A later attempt keeps less than the snapshot holds: the reader has to start again."""


@dataclass(frozen=True, slots=True)
class Taken:
    """An event as it came."""

    attempt: int
    seq: int
    type: str
    data: bytes

    @property
    def fields(self) -> dict[str, Any]:
        decoded: dict[str, Any] = json.loads(self.data)
        return decoded


@dataclass(slots=True)
class AnswerFold:
    """What a reader has in hand after all it took in."""

    base_text: str = ""
    base: tuple[int, int] = (0, 0)
    events: list[Taken] = field(default_factory=list)
    position: str = "0-0"
    end: dict[str, Any] | None = None

    @property
    def text(self) -> str:
        return self.base_text + "".join(one.fields["text"] for one in self.events if one.type == "text")

    @property
    def top(self) -> tuple[int, int]:
        """Attempt and seq of the newest event."""
        return (self.events[-1].attempt, self.events[-1].seq) if self.events else self.base

    def count(self, event_type: str) -> int:
        return sum(one.type == event_type for one in self.events)

    def take(self, event_id: str, event_type: str, data: bytes) -> None:
        """One more event. Raises ``Objection``, or ``TakenBack`` after which all begins at ``0-0``."""
        fields = json.loads(data)
        if event_type == "reconnect":
            if fields["position"] != self.position:
                raise Objection("I3", f"sent away at {fields['position']}, but it has {self.position}")
            return
        if self.end is not None:
            raise Objection("I4", f"{event_id} {event_type} after the end")
        if event_id != f"{fields['attempt']}-{fields['seq']}":
            raise Objection("I3", f"the id {event_id} is not that of its data {data[:80]!r}")
        if event_type == "reset":
            self._reset(event_id, fields)
        else:
            self._append(Taken(fields["attempt"], fields["seq"], event_type, data))
        self.position = event_id
        if event_type == "end":
            self._finish(fields)

    def _reset(self, event_id: str, fields: dict[str, Any]) -> None:
        if fields["position"] != event_id:
            raise Objection("I3", f"a reset {event_id} to {fields['position']}")
        self.base_text = fields["snapshot"]["text"]
        self.base = (fields["attempt"], fields["seq"])
        self.events = []

    def _append(self, event: Taken) -> None:
        attempt, seq = self.top
        if event.type == "attempt":
            keeps_seq = event.fields["keeps_seq"]
            if event.attempt <= attempt:
                raise Objection("I5", f"attempt {event.attempt} begins after attempt {attempt}")
            if event.seq != keeps_seq + 1 or keeps_seq > seq:
                raise Objection("I3", f"attempt at seq {event.seq} keeps {keeps_seq}, the reader has {seq}")
            if keeps_seq < self.base[1]:
                raise TakenBack
            self.events = [one for one in self.events if one.seq <= keeps_seq]
        elif event.seq != seq + 1:
            raise Objection("I3", f"{event.attempt}-{event.seq} {event.type} after {attempt}-{seq}")
        elif attempt not in (0, event.attempt):
            raise Objection("I5", f"{event.attempt}-{event.seq} {event.type} after {attempt}-{seq}")
        self.events.append(event)

    def _finish(self, fields: dict[str, Any]) -> None:
        self.end = fields
        text = self.text
        if (fields["chars"], fields["text_sha256"]) != (len(text), hashlib.sha256(text.encode()).hexdigest()):
            raise Objection("I2", f"the text has {len(text)} characters, the end speaks of {fields['chars']}")
        if fields["events"] != fields["seq"]:
            raise Objection("I3", f"the end counts {fields['events']} events, its seq is {fields['seq']}")
