"""The fold of a run's events: what a reader who saw them all has in hand."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from riverrun.streaming.cursor import START, Position
from riverrun.streaming.events import Event, EventType

TakeBack = Callable[[], object]
"""Makes undone what an event has changed; of several the newest first."""


@dataclass(slots=True)
class Snapshot:
    """Text, thinking, citations and tool calls so far. A tool call gains its ``result``, or its ``pointer`` and ``bytes``,
    when that arrives.
    """

    texts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    citations: list[dict[str, Any]] = field(default_factory=list)
    tool_calls: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of_log(cls, events: list[Event]) -> "Snapshot":
        """Fold a log as a reader met it, take-overs included."""
        fold = LogFold()
        fold.take(events)
        return fold.snapshot

    @classmethod
    def of(cls, events: list[Event]) -> "Snapshot":
        """Fold events of one valid log, in order."""
        snapshot = cls()
        for event in events:
            snapshot.apply(event.type, event.fields)
        return snapshot

    def apply(self, event_type: str, fields: dict[str, Any]) -> TakeBack | None:
        """Take one more event in; types without lasting content change nothing, and have nothing to be taken back."""
        if event_type == EventType.TEXT:
            self.texts.append(fields["text"])
            return self.texts.pop
        if event_type == EventType.THINKING:
            self.thoughts.append(fields["text"])
            return self.thoughts.pop
        if event_type == EventType.CITATION:
            self.citations.append(_without_position(fields))
            return self.citations.pop
        if event_type == EventType.TOOL_CALL:
            self.tool_calls.append(_without_position(fields))
            return self.tool_calls.pop
        return self._add_result(fields) if event_type == EventType.TOOL_RESULT else None

    @property
    def text(self) -> str:
        return "".join(self.texts)

    @property
    def thinking(self) -> str:
        return "".join(self.thoughts)

    @property
    def is_worth_keeping(self) -> bool:
        """Whether a message is to be stored of it: silence is not, nor mere thinking."""
        return bool(self.text or self.tool_calls)

    @property
    def text_sha256(self) -> str:
        """Hex digest of the text in UTF-8: what ``end`` carries and every reader can check."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def as_fields(self) -> dict[str, Any]:
        """The snapshot as a ``reset`` event carries it."""
        return {
            "text": self.text,
            "thinking": self.thinking,
            "citations": self.citations,
            "tool_calls": self.tool_calls,
        }

    def _add_result(self, fields: dict[str, Any]) -> TakeBack | None:
        for place in reversed(range(len(self.tool_calls))):
            call = self.tool_calls[place]
            if call.get("call_id") == fields.get("call_id"):
                added = {name: fields[name] for name in ("result", "pointer", "bytes") if name in fields}
                self.tool_calls[place] = call | added
                return partial(self.tool_calls.__setitem__, place, call)
        return None


class PlacedSnapshot(NamedTuple):
    """What a run has said up to and including ``position``."""

    snapshot: Snapshot
    position: Position


class LogFold:
    """Folds a log as a reader meets it, page by page: what an ``attempt`` does not keep is taken back.

    It holds no event: a log may have many thousands, and each page costs only what is in it.
    """

    def __init__(self) -> None:
        self.snapshot = Snapshot()
        self.position = START
        self._lasting: list[tuple[int, TakeBack]] = []

    @property
    def placed(self) -> PlacedSnapshot:
        """What was folded so far."""
        return PlacedSnapshot(self.snapshot, self.position)

    def take(self, events: Iterable[Event]) -> None:
        """The next events of the log, in order."""
        for event in events:
            if (keeps_seq := event.keeps_seq) is not None:
                self._take_back_above(keeps_seq)
            self.position = event.position
            take_back = self.snapshot.apply(event.type, event.fields)
            if take_back is not None:
                self._lasting.append((event.position.seq, take_back))

    def _take_back_above(self, seq: int) -> None:
        while self._lasting and self._lasting[-1][0] > seq:
            self._lasting.pop()[1]()


def _without_position(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in ("seq", "attempt")}
