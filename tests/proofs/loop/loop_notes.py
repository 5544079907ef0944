"""What the witness in a watched API process wrote down (``tests/support/loop_guard``)."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FIRST_REFUSAL = 400
FIRST_FAILURE = 500


@dataclass(frozen=True)
class BlockingCall:
    """``name`` is what was called, ``line`` the innermost line of ours that led there; no route outside of requests."""

    name: str
    route: str
    line: str
    stack: Sequence[str]

    def __str__(self) -> str:
        return f"{self.name} in {self.route or 'no request'} at {self.line}"


@dataclass(frozen=True)
class LoopNotes:
    """Everything up to the moment of reading. ``answers`` has the statuses of each route that was answered, in order."""

    routes: frozenset[str]
    socket_events: frozenset[str]
    answers: Mapping[str, Sequence[int]]
    blocking_calls: Sequence[BlockingCall]

    @classmethod
    def read(cls, path: Path) -> "LoopNotes":
        """Of a process that serves already."""
        routes: set[str] = set()
        events: set[str] = set()
        answers: dict[str, list[int]] = defaultdict(list)
        blocking: list[BlockingCall] = []
        for note in map(json.loads, path.read_text().splitlines()):
            match note:
                case {"routes": [*found], "socket_events": [*listened]}:
                    routes |= set(found)
                    events |= set(listened)
                case {"status": int(status), "route": route}:
                    answers[route].append(status)
                case {"blocking": name, "route": route, "line": line, "stack": stack}:
                    blocking.append(BlockingCall(name, route, line, stack))
        return cls(frozenset(routes), frozenset(events), answers, blocking)

    def succeeded(self, route: str) -> bool:
        return any(status < FIRST_REFUSAL for status in self.answers.get(route, ()))

    def refused(self, route: str) -> bool:
        return any(FIRST_REFUSAL <= status < FIRST_FAILURE for status in self.answers.get(route, ()))

    def failed(self, route: str) -> bool:
        return any(status >= FIRST_FAILURE for status in self.answers.get(route, ()))


def place_of(stall: Mapping[str, Any]) -> str:
    """The route of a stall in the monitor's report, as the notes spell routes."""
    return f"{stall['method']} {stall['endpoint']}".strip()
