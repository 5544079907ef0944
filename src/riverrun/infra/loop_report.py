"""What the monitor found: the stalls of the loop, and the callback that used most of it."""

import threading
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from riverrun.infra.loop_metrics import NO_REQUEST, LoopMetrics
from riverrun.kit.clock import now

MOST_KEPT = 50


@dataclass(frozen=True, slots=True)
class Place:
    """Where the loop's thread was: ``line`` is ``file:number in function``, of the application if it has a part in it.

    Method and endpoint (the route's template), run and user are those of the request that was served, if one was; else
    ``endpoint`` names the task or the function that the loop had called.
    """

    line: str
    endpoint: str
    method: str = ""
    run_id: str | None = None
    user_id: str | None = None
    route: str = NO_REQUEST
    """The request's route as metrics name it: one of a known number, whatever paths strangers ask for."""

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {name: value for name, value in asdict(self).items() if name != "route"}

    def __str__(self) -> str:
        of_run = f", run {self.run_id}" if self.run_id else ""
        of_user = f", user {self.user_id}" if self.user_id else ""
        return f"{self.method} {self.endpoint}".strip() + f" at {self.line}{of_run}{of_user}"


NOWHERE = Place(line="", endpoint="")


@dataclass(frozen=True, slots=True)
class Stall:
    """The loop was blocked so long, or up to 21 ms longer. ``cpu_ms`` of it its thread was computing, else it slept in a call."""

    at: datetime
    blocked_time_ms: float
    cpu_ms: float
    place: Place
    stack: tuple[str, ...]
    """The outermost first."""

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "at": self.at.isoformat(),
            "blocked_time_ms": round(self.blocked_time_ms, 1),
            "cpu_ms": round(self.cpu_ms, 1),
            **self.place.document(),
            "stack": list(self.stack),
        }


@dataclass(slots=True)
class LoopReport:
    """Since the last reset; ``metrics`` since the start. Written by watchdogs' threads and their loops, read by any."""

    since: datetime = field(default_factory=now)
    stalls: int = 0
    worst: tuple[Stall, ...] = ()
    """At most ``MOST_KEPT``, the longest first."""
    machine_stalls: int = 0
    """How often everything stood still because the machine gave us no CPU."""
    machine_longest_ms: float = 0.0
    callback_cpu_ms: float = 0.0
    """The most CPU that one callback was seen to use. What it used before the first look at it, which comes 20 to 40 ms after
    its start, and behind the last is not in it; 0 as long as none was so long."""
    callback_place: Place = NOWHERE
    metrics: LoopMetrics = field(default_factory=LoopMetrics)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add_stall(self, stall: Stall) -> None:
        """One more alarm."""
        with self._lock:  # each loop has a thread that tells
            self.metrics.note_stall(stall.place.method, stall.place.route, stall.blocked_time_ms / 1_000)
            self.stalls += 1
            kept = sorted((*self.worst, stall), key=lambda one: one.blocked_time_ms, reverse=True)
            self.worst = tuple(kept[:MOST_KEPT])

    def add_machine_stall(self, duration_ms: float) -> None:
        """One more stall that is nobody's fault here."""
        with self._lock:
            self.metrics.note_machine_stall(duration_ms / 1_000)
            self.machine_stalls += 1
            self.machine_longest_ms = max(self.machine_longest_ms, duration_ms)

    def see_callback(self, cpu_ms: float, place: Place) -> None:
        """A callback that used more than any before."""
        with self._lock:
            self.callback_cpu_ms, self.callback_place = cpu_ms, place

    def reset(self) -> None:
        """Forget everything."""
        with self._lock:
            self.since, self.stalls, self.worst = now(), 0, ()
            self.machine_stalls, self.machine_longest_ms = 0, 0.0
            self.callback_cpu_ms, self.callback_place = 0.0, NOWHERE

    def document(self) -> dict[str, Any]:
        """As JSON."""
        with self._lock:
            return {
                "since": self.since.isoformat(),
                "stalls": self.stalls,
                "machine_stalls": self.machine_stalls,
                "machine_longest_ms": round(self.machine_longest_ms, 1),
                "callback_cpu_ms": round(self.callback_cpu_ms, 1),
                "callback": self.callback_place.document(),
                "worst": [stall.document() for stall in self.worst],
            }
