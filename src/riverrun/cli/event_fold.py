"""A run's events, folded into what a person sees: the answer, its citations, its progress, its end."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

START = "0-0"
"""The position before the first event."""


class StreamBroken(Exception):
    """The events do not continue what was read so far; read on from the fold's ``position``."""


@dataclass(frozen=True, slots=True)
class RunEvent:
    """One event as the server sent it. ``position`` is its id, ``<attempt>-<seq>``; ``data`` its JSON object."""

    position: str
    type: str
    data: dict[str, Any]

    @property
    def seq(self) -> int:
        """The event's number within the run; 0 for one that is not part of the log, such as ``reconnect``."""
        return int(self.data.get("seq", 0))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a ``reset`` gives in place of every event up to ``seq``."""

    seq: int = 0
    text: str = ""
    thinking: str = ""
    citations: list[dict[str, Any]] = field(default_factory=list)
    tool_calls: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, position: str, snapshot: dict[str, Any]) -> "Snapshot":
        """Read a ``reset`` event's two fields; what is absent or null is empty."""
        return cls(
            seq=int(position.rpartition("-")[2]),
            text=snapshot.get("text") or "",
            thinking=snapshot.get("thinking") or "",
            citations=snapshot.get("citations") or [],
            tool_calls=snapshot.get("tool_calls") or [],
        )


class EventFold:
    """Applies events in order. ``attempt`` and ``reset`` take back what no longer counts; a repeated event changes nothing.

    ``text`` is the answer so far, ``position`` where to read on, ``end`` the data of the last event once it came.
    """

    text: str
    position: str
    end: dict[str, Any] | None
    _base: Snapshot
    _events: list[RunEvent]

    def __init__(self) -> None:
        self._start_from(Snapshot(), START)

    def apply(self, event: RunEvent) -> bool:
        """Take one event in; false when it changes nothing.

        Raises ``StreamBroken`` when events are missing before it, or when an attempt takes back a part of a
        snapshot (then the fold is empty again, and so is its position).
        """
        if event.type == "reset":
            position = str(event.data["position"])
            self._start_from(Snapshot.of(position, event.data.get("snapshot") or {}), position)
            return True
        if event.type == "attempt":
            self._drop_above(int(event.data["keeps_seq"]))
        if event.seq <= self._top:
            return False
        if event.seq > self._top + 1:
            raise StreamBroken(f"event {self._top + 1} is missing before {event.position}")
        self._append(event)
        return True

    @property
    def thinking(self) -> str:
        """What the model thought aloud so far."""
        return self._base.thinking + self._joined("thinking")

    @property
    def citations(self) -> list[dict[str, Any]]:
        """The places cited so far, each once, in the order of their first mention."""
        unique: dict[tuple[object, ...], dict[str, Any]] = {}
        for place in [*self._base.citations, *self._data_of("citation")]:
            unique.setdefault(_place_key(place), place)
        return list(unique.values())

    @property
    def tool_calls(self) -> list[dict[str, Any]]:
        """The tools called so far."""
        return [*self._base.tool_calls, *self._data_of("tool_call")]

    @property
    def progress(self) -> dict[str, Any] | None:
        """The latest ``{phase, done, total, unit}``."""
        return next(reversed(self._data_of("progress")), None)

    @property
    def text_is_exact(self) -> bool:
        """Whether the run has ended and its checksum is that of ``text``."""
        return self.end is not None and self.end.get("text_sha256") == sha256_of(self.text)

    def count(self, event_type: str) -> int:
        """How many events of a type came since the start or the last ``reset`` and still count."""
        return len(self._data_of(event_type))

    @property
    def _top(self) -> int:
        return self._events[-1].seq if self._events else self._base.seq

    def _data_of(self, event_type: str) -> list[dict[str, Any]]:
        return [event.data for event in self._events if event.type == event_type]

    def _joined(self, event_type: str) -> str:
        return "".join(data["text"] for data in self._data_of(event_type))

    def _append(self, event: RunEvent) -> None:
        self._events.append(event)
        self.position = event.position
        if event.type == "text":
            self.text += event.data["text"]
        if event.type == "end":
            self.end = event.data

    def _drop_above(self, seq: int) -> None:
        if seq < self._base.seq:
            self._start_from(Snapshot(), START)
            raise StreamBroken("a new attempt took back a part of the snapshot")
        self._events = [event for event in self._events if event.seq <= seq]
        self.text = self._base.text + self._joined("text")

    def _start_from(self, base: Snapshot, position: str) -> None:
        self._base = base
        self._events = []
        self.text = base.text
        self.position = position
        self.end = None


def sha256_of(text: str) -> str:
    """The hex SHA-256 of a text's UTF-8 bytes, as ``end`` carries it."""
    return hashlib.sha256(text.encode()).hexdigest()


def _place_key(place: dict[str, Any]) -> tuple[object, ...]:
    return place.get("path"), place.get("start_line"), place.get("end_line"), place.get("blob")
