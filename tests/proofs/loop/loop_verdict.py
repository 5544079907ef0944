"""What a watched tour has shown, and what of it must not be."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.proofs.loop.loop_notes import LoopNotes, place_of
from tests.proofs.loop.thread_census import Census

NEVER_REFUSE = frozenset(
    {
        "GET /",
        "GET /c/{conversation_id}",
        "GET /openapi.json",
        "GET /health/live",
        "GET /health/ready",
        "GET /api/v1/sign-in-options",
        "GET /api/v1/sso/providers",
        "POST /api/v1/logout",
    }
)
"""Routes that are for everybody; a server that is away is another test's."""


@dataclass(frozen=True)
class Verdict:
    """``stalls`` are the monitor's, as ``/-/loop`` has them. ``planted`` says of each planted call whether it was named."""

    notes: LoopNotes
    stalls: Sequence[Mapping[str, Any]]
    census: Census
    planted: Mapping[str, bool]
    excused: frozenset[str] = frozenset()
    """Routes that cannot succeed here, for want of what they lead to."""

    def faults(self) -> list[str]:
        """Each in a line; none is what is to be proven."""
        return [
            *(f"a blocking call: {call}" for call in self.notes.blocking_calls),
            *(
                f"a stall of {stall['blocked_time_ms']:.0f} ms: {place_of(stall)} at {stall['line']}"
                for stall in self.stalls
            ),
            *self._faults_of_routes(),
            *(f"no tour knows how to drive the socket event {event}" for event in self.notes.socket_events),
            *(
                f"nobody named what was planted: {name}"
                for name, caught in self.planted.items()
                if not caught
            ),
            *([f"streams cost threads: {self.census}"] if self.census.grew else []),
        ]

    def _faults_of_routes(self) -> Iterator[str]:
        notes = self.notes
        for route in sorted(notes.routes):
            if route not in notes.answers:
                yield f"nobody drives {route}"
                continue
            if notes.failed(route):
                yield f"a server's error: {route}"
            if not notes.succeeded(route) and route not in self.excused:
                yield f"never succeeded: {route}"
            if notes.refused(route) == (route in NEVER_REFUSE):
                yield f"{'refuses after all' if notes.refused(route) else 'never refused'}: {route}"
        yield from (f"no route any more: {route}" for route in sorted(NEVER_REFUSE - notes.routes))

    def __str__(self) -> str:
        blocked = len(self.notes.blocking_calls) + len(self.stalls)
        return (
            f"proof: blocking_calls={blocked} routes={len(self.notes.routes)}"
            f" socket_events={len(self.notes.socket_events)}"
            f" planted_caught={sum(self.planted.values())}/{len(self.planted)}"
        )
