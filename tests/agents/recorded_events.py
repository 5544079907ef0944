"""What a run emitted, in order."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class RecordedEvents:
    """Pass ``emit`` to a run and look at ``events`` afterwards."""

    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def emit(self, event_type: str, data: dict[str, object]) -> None:
        self.events.append((event_type, data))

    def of(self, event_type: str) -> list[dict[str, Any]]:
        return [data for kind, data in self.events if kind == event_type]

    @property
    def text(self) -> str:
        return "".join(data["text"] for data in self.of("text"))

    @property
    def types(self) -> list[str]:
        """The types in order, runs of the same type once."""
        types = [kind for kind, _ in self.events]
        return [kind for number, kind in enumerate(types) if number == 0 or types[number - 1] != kind]
