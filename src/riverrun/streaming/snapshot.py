"""The fold of a run's events: what a reader who saw them all has in hand."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from riverrun.streaming.events import Event, EventType


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
        valid: list[Event] = []
        for event in events:
            if (keeps_seq := event.keeps_seq) is not None:
                valid = [kept for kept in valid if kept.position.seq <= keeps_seq]
            valid.append(event)
        return cls.of(valid)

    @classmethod
    def of(cls, events: list[Event]) -> "Snapshot":
        """Fold events of one valid log, in order."""
        snapshot = cls()
        for event in events:
            snapshot.apply(event.type, event.fields)
        return snapshot

    def apply(self, event_type: str, fields: dict[str, Any]) -> None:
        """Take one more event in; types without lasting content change nothing."""
        if event_type == EventType.TEXT:
            self.texts.append(fields["text"])
        elif event_type == EventType.THINKING:
            self.thoughts.append(fields["text"])
        elif event_type == EventType.CITATION:
            self.citations.append(_without_position(fields))
        elif event_type == EventType.TOOL_CALL:
            self.tool_calls.append(_without_position(fields))
        elif event_type == EventType.TOOL_RESULT:
            self._add_result(fields)

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

    def _add_result(self, fields: dict[str, Any]) -> None:
        for call in reversed(self.tool_calls):
            if call.get("call_id") == fields.get("call_id"):
                call.update({name: fields[name] for name in ("result", "pointer", "bytes") if name in fields})
                return


def _without_position(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in ("seq", "attempt")}
