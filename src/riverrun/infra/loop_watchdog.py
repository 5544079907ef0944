"""A thread that asks the loop every few milliseconds whether it still turns, and looks where it is when it does not.

A second one tells what was found: to read the lines and to write the log would keep the first from looking.

The question is a probe: a callback, put behind all that is ready. While one is out, the frame that is seen at two looks is
one and the same callback, for a task comes to its next step only behind the probe.
"""

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Callable, Sized
from datetime import datetime
from queue import Empty, SimpleQueue
from types import CodeType
from typing import NamedTuple

from riverrun.infra.loop_metrics import ready_queue
from riverrun.infra.loop_report import LoopReport, Place, Stall
from riverrun.infra.loop_stack import (
    Seen,
    boundary_of_this_loop,
    callback_frames,
    seen_in,
)
from riverrun.infra.thread_clock import ThreadClock, times_put_to_sleep
from riverrun.kit.clock import now

LOOK_SECONDS = 0.02
"""To wake up beside a loop that computes is what costs most: it has to give the interpreter away, and to get it back."""
CLOSE_LOOK_SECONDS = 0.005
"""While a question waits for its answer."""
MILLISECONDS = 1_000.0

logger = logging.getLogger(__name__)


class Reading(NamedTuple):
    """The loop thread's clocks at a moment."""

    at: float
    cpu_seconds: float
    starved_seconds: float


class OwnReading(NamedTuple):
    """The watchdog's own: how often it slept, and how long it waited for a CPU."""

    sleeps: int | None
    starved_seconds: float


class Sight(NamedTuple):
    """The callback that the loop was in at a look: no frame when in none, no place when nobody asked for it."""

    task_id: int | None
    frame_id: int
    """Good for as long as the frame is there."""
    place: Place | None = None
    stack: tuple[Seen, ...] = ()


class Found(NamedTuple):
    """A stall of which nobody has been told yet."""

    at: datetime
    blocked_seconds: float
    cpu_seconds: float
    place: Place
    stack: tuple[Seen, ...]


class Probe:
    """A question to the loop. ``stood_seconds`` is how long this whole process stood still meanwhile."""

    def __init__(self, posted_at: float, before: Reading) -> None:
        self.posted_at = posted_at
        self.before = before
        self.stood_seconds = 0.0
        self.ran_at: float | None = None
        self.blocker: tuple[Place, tuple[Seen, ...]] | None = None

    def run(self) -> None:
        """The loop turns."""
        self.ran_at = time.monotonic()


class LoopWatchdog:
    """Watches the loop that starts it, from then until ``stop``, or until the loop is closed.

    ``describe`` says for a task and a stack where the loop is. It is called in the watchdog's thread, and must find out
    about the task first: what gives the interpreter away lets the loop go on.
    """

    def __init__(
        self,
        report: LoopReport,
        describe: Callable[[int | None, tuple[Seen, ...]], Place],
        *,
        warn_seconds: float,
    ) -> None:
        self._report = report
        self._describe = describe
        self._warn_seconds = warn_seconds
        self._ending: SimpleQueue[None] = (
            SimpleQueue()
        )  # an event would be a lock and a list more at each look
        self._found: SimpleQueue[Found | None] = SimpleQueue()
        self._teller = threading.Thread(target=self._tell, name="loop watchdog's teller", daemon=True)
        self._loop: asyncio.AbstractEventLoop
        self._clock: ThreadClock
        self._boundary: CodeType
        self._ready: Sized
        self._probe: Probe
        self._reading: Reading
        self._due_at = 0.0
        self._waited_seconds = 0.0
        self._own: OwnReading
        self._own_clock: ThreadClock
        self._own_starved_seconds = 0.0
        self._callback: tuple[Probe | None, int | None, int] = (None, None, 0)
        self._callback_from_cpu_seconds = 0.0

    def start(self) -> None:
        """Call it in a task of the loop."""
        self._loop = asyncio.get_running_loop()
        self._clock = ThreadClock()
        self._boundary = boundary_of_this_loop()
        self._ready = ready_queue(self._loop)
        self._reading = Reading(time.monotonic(), self._clock.cpu_seconds(), self._clock.starved_seconds())
        self._probe = Probe(self._reading.at, self._reading)
        self._probe.run()
        self._teller.start()
        threading.Thread(target=self._watch, name="loop watchdog", daemon=True).start()

    def stop(self) -> None:
        """The threads end by themselves within a look."""
        self._ending.put(None)

    def join(self) -> None:
        """Wait until all that was found is in the report. Call ``stop`` first, and not on the loop."""
        self._teller.join()

    @property
    def blocked_seconds(self) -> float:
        """How long questions have waited for their answers since the start, the one that is out included."""
        probe = self._probe
        answered_at = time.monotonic() if probe.ran_at is None else probe.ran_at
        return self._waited_seconds + answered_at - probe.posted_at

    def _watch(self) -> None:
        self._own_clock = ThreadClock()
        self._own = OwnReading(times_put_to_sleep(), self._own_clock.starved_seconds())
        self._due_at = time.monotonic() + LOOK_SECONDS
        pause_seconds = LOOK_SECONDS
        while not self._ends_within(pause_seconds):
            was_answered = self._probe.ran_at is not None
            if not self._look():
                break
            pause_seconds = LOOK_SECONDS if was_answered else CLOSE_LOOK_SECONDS
            self._due_at = time.monotonic() + pause_seconds
        self._found.put(None)
        self._clock.close()
        self._own_clock.close()

    def _ends_within(self, seconds: float) -> bool:
        try:
            self._ending.get(timeout=seconds)
        except Empty:
            return False
        return True

    def _tell(self) -> None:
        while (found := self._found.get()) is not None:
            lines = tuple(seen.line_with_text for seen in reversed(found.stack))
            blocked_ms, cpu_ms = found.blocked_seconds * MILLISECONDS, found.cpu_seconds * MILLISECONDS
            self._report.add_stall(Stall(found.at, blocked_ms, cpu_ms, found.place, lines))
            logger.warning("the loop was blocked for %.0f ms by %s", blocked_ms, found.place)

    def _look(self) -> bool:
        """Whether there is a loop to look at any more."""
        woke_at = time.monotonic()
        late_seconds = woke_at - self._due_at
        sight: Sight | None = None
        if self._probe.ran_at is None or late_seconds > sys.getswitchinterval():
            # Now, before a clock is read: that gives the interpreter away, and he who kept it from us would be gone.
            sight = self._see(describe=self._describe)
        before = self._reading
        self._reading = Reading(woke_at, self._clock.cpu_seconds(), self._clock.starved_seconds())
        used_seconds = self._reading.cpu_seconds - before.cpu_seconds
        # While it computed it was not idle, whatever we were waiting for.
        computed_seconds = used_seconds - (self._due_at - before.at)
        held_seconds = max(
            self._waited_for_the_interpreter(late_seconds), min(computed_seconds, late_seconds)
        )
        pause_seconds = late_seconds - held_seconds
        if self._probe.ran_at is None:
            # That we got no CPU says nothing of the loop, whose own want is known; that nobody ran does.
            stood_seconds = pause_seconds - self._own_starved_seconds - used_seconds
            if stood_seconds >= self._warn_seconds / 2:
                self._probe.stood_seconds += stood_seconds
        else:
            self._judge(self._probe, self._probe.ran_at)
            self._note_pause(pause_seconds)
            if not self._ask(Probe(woke_at - held_seconds, before)):
                return False
        # While somebody holds the interpreter's lock for longer than the switch interval, he is in one single call. What was
        # computed beyond the time before that, nobody but the callback that we find can have computed.
        shared_seconds = woke_at - held_seconds + sys.getswitchinterval() - before.at
        self._note_callback(sight or self._see(), max(used_seconds - shared_seconds, 0.0))
        return True

    def _see(self, describe: Callable[[int | None, tuple[Seen, ...]], Place] | None = None) -> Sight:
        """From here to where the frames are dropped nothing gives the interpreter away."""
        frames = callback_frames(self._clock.thread_id, self._boundary)
        if not frames:
            return Sight(None, 0)
        task = asyncio.current_task(self._loop)
        task_id, frame_id = id(task) if task else None, id(frames[-1])
        if describe is None:
            return Sight(task_id, frame_id)
        stack = seen_in(frames)
        del frames, task
        return Sight(task_id, frame_id, describe(task_id, stack), stack)

    def _ask(self, probe: Probe) -> bool:
        self._probe = probe
        self._report.metrics.ready_callbacks = len(self._ready)
        try:
            self._loop.call_soon_threadsafe(probe.run)
        except RuntimeError:  # the loop is closed
            return False
        return True

    def _waited_for_the_interpreter(self, late_seconds: float) -> float:
        """How much of a late wake-up was spent in waiting for whoever held the interpreter's lock.

        The rest is the machine's: it gave us no CPU, or this process was stopped. Only he who waits for the lock
        wakes up and sleeps again each switch interval.
        """
        before, self._own = self._own, OwnReading(times_put_to_sleep(), self._own_clock.starved_seconds())
        if self._own.sleeps is None or before.sleeps is None:
            return max(late_seconds, 0.0)
        rounds = max(self._own.sleeps - before.sleeps - 1, 0)
        rounds_seconds = rounds * sys.getswitchinterval()
        starved_seconds = self._own.starved_seconds - before.starved_seconds
        self._own_starved_seconds = starved_seconds
        if not rounds or rounds_seconds + starved_seconds < late_seconds / 2:
            return max(min(rounds_seconds, late_seconds), 0.0)
        return max(
            late_seconds - starved_seconds / (rounds + 1), 0.0
        )  # it first had to wake up, and then to wait

    def _note_pause(self, pause_seconds: float) -> None:
        if pause_seconds >= self._warn_seconds:
            self._report.add_machine_stall(pause_seconds * MILLISECONDS)

    def _blocked_seconds(self, probe: Probe, until: float) -> float:
        """How long the loop left a question unanswered, without the time in which it could not answer."""
        late_seconds = until - probe.posted_at
        starved_seconds = self._reading.starved_seconds - probe.before.starved_seconds
        computed_seconds = self._reading.cpu_seconds - probe.before.cpu_seconds
        return max(late_seconds - starved_seconds - probe.stood_seconds, min(computed_seconds, late_seconds))

    def _note_callback(self, sight: Sight, alone_seconds: float) -> None:
        """Is it the one that we saw before, did it use the most, does it block the loop?"""
        probe = self._probe
        is_over = probe.ran_at is not None
        callback = (None if is_over else probe, sight.task_id, sight.frame_id)
        if is_over or callback != self._callback:
            self._callback_from_cpu_seconds = self._reading.cpu_seconds - alone_seconds
        self._callback = callback
        if sight.place is None:
            return
        used_ms = (self._reading.cpu_seconds - self._callback_from_cpu_seconds) * MILLISECONDS
        if used_ms > self._report.callback_cpu_ms:
            self._report.see_callback(used_ms, sight.place)
        blocked_seconds = self._blocked_seconds(probe, self._reading.at)
        if not is_over and probe.blocker is None and blocked_seconds >= self._warn_seconds:
            probe.blocker = sight.place, sight.stack

    def _judge(self, probe: Probe, ran_at: float) -> None:
        """An answer came. Was it late, and whose fault was that?"""
        late_seconds = ran_at - probe.posted_at
        self._waited_seconds += late_seconds
        self._report.metrics.lag.observe(late_seconds)
        if late_seconds < self._warn_seconds:
            return
        blocked_seconds = self._blocked_seconds(probe, ran_at)
        if probe.blocker is None or blocked_seconds < self._warn_seconds:
            self._report.add_machine_stall(late_seconds * MILLISECONDS)
            return
        cpu_seconds = self._reading.cpu_seconds - probe.before.cpu_seconds
        self._found.put(Found(now(), blocked_seconds, cpu_seconds, *probe.blocker))
