"""A thread that sleeps while the loop turns, and looks where it is when it does not.

The loop gives a sign of life every few milliseconds, and puts off the moment at which the thread wakes up: to wake up beside a
loop that computes is what costs most.
"""

import asyncio
import contextlib
import contextvars
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence, Sized
from types import CodeType
from typing import NamedTuple

from riverrun.infra.deadline import new_deadline
from riverrun.infra.heartbeat import HEARTBEAT_SECONDS, TIMER_GRAIN_SECONDS, Heartbeat, Reading, Sight
from riverrun.infra.loop_metrics import ready_queue
from riverrun.infra.loop_report import LoopReport, Place
from riverrun.infra.loop_request import calls_for
from riverrun.infra.loop_stack import (
    Call,
    Seen,
    both_ends_of,
    boundary_of_this_loop,
    callback_frames,
    calls_in,
    seen_in,
    without_collections,
)
from riverrun.infra.loop_teller import MILLISECONDS, Found, LoopTeller
from riverrun.infra.thread_clock import ThreadClock, starved_seconds, times_put_to_sleep
from riverrun.kit.clock import now

FIRST_LOOK_SECONDS = 0.02
"""So late the loop is looked at."""
LOOK_SECONDS = 0.005
"""And again so often, until it turns."""


class OwnReading(NamedTuple):
    """The watchdog's own: how often it slept, and how long it waited for a CPU."""

    sleeps: int | None
    starved_seconds: float


class LoopWatchdog:
    """Watches the loop that starts it, from then until ``stop``, or until the loop is closed.

    ``describe`` says where the loop is, by the calls with a request's scope, the innermost first, if it serves one, and by the
    stack. It is called in the watchdog's thread, and must read the calls first: what gives the interpreter away lets the loop go on.
    """

    def __init__(
        self,
        report: LoopReport,
        describe: Callable[[Sequence[Call], Sequence[Seen]], Place],
        *,
        warn_seconds: float,
    ) -> None:
        self._report = report
        self._describe = describe
        self._warn_seconds = warn_seconds
        self._first_look_seconds = min(FIRST_LOOK_SECONDS, warn_seconds / 2)
        self._deadline = new_deadline()
        self._is_stopped = False
        self._may_beat = False
        """Whether the loop may be in the middle of a heartbeat when we are stopped: not if it stops us itself."""
        self._to_judge: deque[Heartbeat] = deque()
        self._teller = LoopTeller(report)
        self._loop: asyncio.AbstractEventLoop
        self._clock: ThreadClock
        self._boundary: CodeType
        self._ready: Sized
        self._heartbeat: Heartbeat
        self._context = contextvars.Context()
        """Not that of the task that starts us, which would never be forgotten."""
        self._late_seconds = 0.0
        self._reading: Reading
        self._own: OwnReading
        self._own_clock: ThreadClock
        self._own_starved_seconds = 0.0
        self._callback: tuple[Heartbeat | None, int | None, int] = (None, None, 0)
        self._callback_from_cpu_seconds = 0.0

    def start(self) -> None:
        """Call it in a task of the loop."""
        self._process_id = os.getpid()
        self._loop = asyncio.get_running_loop()
        self._clock = ThreadClock()
        self._boundary = boundary_of_this_loop()
        self._ready = ready_queue(self._loop)
        self._await_heartbeat(self._read_clocks())
        self._teller.start()
        threading.Thread(target=self._watch, name="loop watchdog", daemon=True).start()

    def stop(self) -> None:
        """The threads end by themselves, and the heart stands still."""
        if self._is_stopped:
            return
        if os.getpid() != self._process_id:
            self._is_stopped = True  # a fork has our files, but neither our threads nor the loop's clocks
            return
        self._may_beat = threading.get_ident() != self._clock.thread_id
        if self._loop.is_running():  # what blocked it until now counts
            if self._may_beat:
                self._answer_for_the_loop()
            else:
                self._beat()
        self._is_stopped = True
        self._deadline.put_off(0)

    def join(self) -> None:
        """Wait until all that was found is in the report. Call ``stop`` first, and not on the loop."""
        self._teller.join()

    @property
    def blocked_seconds(self) -> float:
        """By how much heartbeats were late since the start, the one that is awaited included. Ask it on the loop."""
        awaited = 0.0 if self._is_stopped else self._heartbeat.late_seconds(time.monotonic())
        return self._late_seconds + awaited

    def _answer_for_the_loop(self) -> None:
        """What comes from it now is too late to be heard. If that is on its way already, both are for the same heartbeat."""
        heartbeat, answer = self._heartbeat, self._read_clocks()
        if heartbeat.answer is None and heartbeat.late_seconds(answer.at) >= self._warn_seconds:
            heartbeat.answer = answer
            self._to_judge.append(heartbeat)

    # --- on the loop

    def _beat(self) -> None:
        """The loop turns."""
        if self._is_stopped:
            return
        heartbeat, answer = self._heartbeat, self._read_clocks()
        self._await_heartbeat(answer)
        heartbeat.answer = answer
        late_seconds = heartbeat.late_seconds(answer.at)
        if late_seconds >= self._warn_seconds:
            self._to_judge.append(heartbeat)
            self._deadline.put_off(0)
        else:
            self._teller.loop_turns()
        self._late_seconds += late_seconds
        self._report.metrics.lag.observe(late_seconds)
        self._report.metrics.ready_callbacks = len(self._ready)

    def _await_heartbeat(self, last: Reading) -> None:
        self._heartbeat = Heartbeat(last)
        self._deadline.put_off(HEARTBEAT_SECONDS + TIMER_GRAIN_SECONDS + self._first_look_seconds)
        self._loop.call_later(HEARTBEAT_SECONDS, self._beat, context=self._context)

    # --- in the watchdog's thread

    def _watch(self) -> None:
        with contextlib.ExitStack() as ending:  # also if it fails
            ending.callback(self._release_behind_a_beat)
            ending.callback(self._teller.end)
            ending.callback(self.stop)
            self._own_clock = ThreadClock()
            ending.callback(self._own_clock.close)
            self._note_own_clocks()
            while not self._is_stopped and not self._loop.is_closed():
                if not self._to_judge:
                    self._deadline.wait(self._note_own_clocks)
                while self._must_look():
                    self._look_until_it_turns()
                self._judge_all()
                rest_seconds = self._heartbeat.due_at + self._first_look_seconds - time.monotonic()
                self._deadline.put_off(max(rest_seconds, LOOK_SECONDS))
            self._judge_all()

    def _must_look(self) -> bool:
        """Perhaps the next stall began while we waited for the interpreter after one: before we let go, and before all else."""
        late_seconds = self._heartbeat.late_seconds(time.monotonic())
        return late_seconds >= self._first_look_seconds and not self._is_stopped

    def _release_behind_a_beat(self) -> None:
        if self._may_beat and self._loop.is_running():
            with contextlib.suppress(RuntimeError):  # it was closed meanwhile
                self._loop.call_soon_threadsafe(self._release)
                return
        self._release()

    def _release(self) -> None:
        self._clock.close()
        self._deadline.close()

    def _look_until_it_turns(self) -> None:
        heartbeat = self._heartbeat
        look_at = heartbeat.due_at + self._first_look_seconds
        self._reading = heartbeat.before
        while heartbeat.answer is None and heartbeat.late_seconds(time.monotonic()) and not self._is_stopped:
            if not self._loop.is_running():
                heartbeat.due_at = time.monotonic()
                return
            self._look(heartbeat, look_at)
            self._judge_all()
            look_at = time.monotonic() + LOOK_SECONDS
            self._note_own_clocks()
            time.sleep(LOOK_SECONDS)

    def _look(self, heartbeat: Heartbeat, look_at: float) -> None:
        # Now: once the interpreter is given away, he who kept it from us is gone.
        sight = self._see(heartbeat)
        if sight is None:
            return
        before, self._reading = self._reading, heartbeat.answer or self._read_clocks()
        late_seconds = max(self._reading.at - look_at, 0.0)
        used_seconds = self._reading.cpu_seconds - before.cpu_seconds
        # While it computed it was not idle, whatever we were waiting for.
        computed_seconds = max(used_seconds - (look_at - before.at), 0.0)
        held_seconds = max(
            self._waited_for_the_interpreter(late_seconds), min(computed_seconds, late_seconds)
        )
        # That we got no CPU says nothing of the loop, whose own want is known; that nobody ran does.
        stood_seconds = late_seconds - held_seconds - self._own_starved_seconds - computed_seconds
        if stood_seconds >= self._warn_seconds / 2:
            heartbeat.stood_seconds += stood_seconds
        # While somebody holds the interpreter's lock for longer than the switch interval, he is in one single call. What was
        # computed beyond the time before that, nobody but the callback that we find can have computed.
        shared_seconds = self._reading.at - held_seconds + sys.getswitchinterval() - before.at
        self._note_callback(heartbeat, sight, max(used_seconds - shared_seconds, 0.0))
        heartbeat.blame(sight, self._reading, self._warn_seconds)

    def _see(self, heartbeat: Heartbeat) -> Sight | None:
        """None if it turned before all was read of its frames: from here to there nothing of ours gives the interpreter away."""
        with without_collections():
            frames = callback_frames(self._clock.thread_id, self._boundary)
            task = asyncio.current_task(self._loop)
            task_id, frame_id = id(task) if task else None, id(frames[-1]) if frames else 0
            calls, stack = calls_in(frames) or calls_for(task), seen_in(frames)
            del frames, task
        if heartbeat.answer is not None or any(seen.code is _BEAT for seen in stack):
            return None
        if not stack:
            return Sight(None, 0)
        return Sight(task_id, frame_id, self._describe(calls, stack), both_ends_of(stack))

    def _read_clocks(self) -> Reading:
        return Reading(time.monotonic(), self._clock.cpu_seconds(), self._clock.schedstat())

    def _note_own_clocks(self) -> None:
        self._own = OwnReading(times_put_to_sleep(), starved_seconds(self._own_clock.schedstat()))

    def _waited_for_the_interpreter(self, late_seconds: float) -> float:
        """How much of a late wake-up was spent in waiting for whoever held the interpreter's lock.

        The rest is the machine's: it gave us no CPU, or this process was stopped. Only he who waits for the lock
        wakes up and sleeps again each switch interval.
        """
        before = self._own
        self._note_own_clocks()
        if self._own.sleeps is None or before.sleeps is None:
            return late_seconds
        rounds = max(self._own.sleeps - before.sleeps - 1, 0)
        rounds_seconds = rounds * sys.getswitchinterval()
        starved_seconds = self._own.starved_seconds - before.starved_seconds
        self._own_starved_seconds = starved_seconds
        if not rounds or rounds_seconds + starved_seconds < late_seconds / 2:
            return min(rounds_seconds, late_seconds)
        # It first had to wake up, and then to wait.
        return max(late_seconds - starved_seconds / (rounds + 1), 0.0)

    def _note_callback(self, heartbeat: Heartbeat, sight: Sight, alone_seconds: float) -> None:
        """Is it the one that we saw before, did it use the most?"""
        callback = (heartbeat, sight.task_id, sight.frame_id)
        if callback != self._callback:
            self._callback_from_cpu_seconds = self._reading.cpu_seconds - alone_seconds
        self._callback = callback
        if sight.place is None:
            return
        used_ms = (self._reading.cpu_seconds - self._callback_from_cpu_seconds) * MILLISECONDS
        if used_ms > self._report.callback_cpu_ms:
            self._report.see_callback(used_ms, sight.place)

    def _judge_all(self) -> None:
        while self._to_judge:
            heartbeat = self._to_judge.popleft()
            if heartbeat.answer is not None and not heartbeat.is_judged:
                heartbeat.is_judged = True
                self._judge(heartbeat, heartbeat.answer)

    def _judge(self, heartbeat: Heartbeat, answer: Reading) -> None:
        """It was late. Whose fault was that?"""
        blocked_seconds = heartbeat.blocked_seconds(answer)
        if heartbeat.blocker is None or blocked_seconds < self._warn_seconds:
            self._report.add_machine_stall(heartbeat.late_seconds(answer.at) * MILLISECONDS)
            return
        cpu_seconds = answer.cpu_seconds - heartbeat.before.cpu_seconds
        self._teller.note(Found(now(), blocked_seconds, cpu_seconds, *heartbeat.blocker))


_BEAT = LoopWatchdog._beat.__code__
