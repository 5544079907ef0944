"""A loop's sign of life that is awaited, and who kept it from coming: arithmetic over clocks that others read."""

from typing import NamedTuple

from riverrun.infra.loop_report import Place
from riverrun.infra.loop_stack import Seen
from riverrun.infra.thread_clock import starved_seconds

HEARTBEAT_SECONDS = 0.02
TIMER_GRAIN_SECONDS = 0.001
"""Both loops count the time of their timers in milliseconds: nobody is late by that."""


class Reading(NamedTuple):
    """The loop thread's clocks at a moment."""

    at: float
    cpu_seconds: float
    schedstat: bytes

    @property
    def starved_seconds(self) -> float:
        """Made out when somebody asks: of most readings nobody does."""
        return starved_seconds(self.schedstat)


class Sight(NamedTuple):
    """The callback that the loop was in at a look: no frame and no place when it was in none."""

    task_id: int | None
    frame_id: int
    """Good for as long as the frame is there."""
    place: Place | None = None
    stack: tuple[Seen, ...] = ()


class Heartbeat:
    """Awaited since the one ``before``. ``answer`` is from when it came.

    ``stood_seconds`` is how long this whole process stood still meanwhile. While nobody runs the loop it is not due.
    """

    is_judged = False
    """Once is enough, though both the loop and who ends its watch may have answered."""

    def __init__(self, before: Reading) -> None:
        self.before = before
        self.due_at = before.at + HEARTBEAT_SECONDS + TIMER_GRAIN_SECONDS
        self.stood_seconds = 0.0
        self.answer: Reading | None = None
        self.blocker: tuple[Place, tuple[Seen, ...]] | None = None
        """Whom the loop was in when it had been blocked for ``warn_seconds``, or else at the last look at more than half of that."""
        self._is_settled = False

    def late_seconds(self, at: float) -> float:
        """By how much, if it came at that moment."""
        return max(at - self.due_at, 0.0)

    def blocked_seconds(self, until: Reading) -> float:
        """How long the loop left it out, without the time in which it could not give one."""
        late_seconds = self.late_seconds(until.at)
        starved_seconds = until.starved_seconds - self.before.starved_seconds
        # At least so much of it came behind the moment when it was due.
        computed_seconds = until.cpu_seconds - self.before.cpu_seconds - (self.due_at - self.before.at)
        return max(late_seconds - starved_seconds - self.stood_seconds, min(computed_seconds, late_seconds))

    def blame(self, sight: Sight, at: Reading, warn_seconds: float) -> None:
        """The loop was seen there while it should have turned."""
        if sight.place is None or self._is_settled:
            return
        blocked_seconds = self.blocked_seconds(at)
        if blocked_seconds >= warn_seconds / 2:
            self.blocker = sight.place, sight.stack
            self._is_settled = blocked_seconds >= warn_seconds
