"""A moment that one thread puts off again and again while another one sleeps until it has come.

To be woken up only to find that it was put off costs the sleeper more than all else: it would have to ask a thread that computes for
the interpreter each time.
"""

import ctypes
import math
import os
import sys
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

from riverrun.infra.thread_clock import close_with

NANOSECONDS = 1_000_000_000
TIMERFD_READ_BYTES = 8

if sys.platform == "linux":
    _system = ctypes.PyDLL(None)
    """Its calls keep the interpreter: none of them waits."""


class Deadline(Protocol):
    """Does not come before it is put off for the first time."""

    def put_off(self, seconds: float) -> None:
        """It comes so many seconds from now, and not before; at once if there are none left."""

    def wait(self, before_sleep: Callable[[], None]) -> None:
        """Sleep until it has come, in one thread at most. It is to be put off before the next wait.

        ``before_sleep`` is called each time that the thread is about to fall asleep.
        """

    def close(self) -> object:
        """Give back what it holds. Nobody waits for it, or puts it off, any more."""


def new_deadline() -> Deadline:
    """The best that this system has."""
    if sys.platform == "linux":
        try:
            return TimerDeadline()
        except (AttributeError, OSError):  # a C library, or a sandbox, that knows no such timers
            pass
    return PolledDeadline()


class TimerDeadline:
    """By a timer of Linux: who sleeps is woken up when the moment has come, and never else."""

    def __init__(self) -> None:
        # Python has these calls from 3.13 on.
        self._timer = _system.timerfd_create(time.CLOCK_MONOTONIC, os.O_CLOEXEC)
        if self._timer < 0:
            raise OSError("the system gives no timer (timerfd_create)")
        self.close = close_with(self, self._timer)

    def put_off(self, seconds: float) -> None:
        """Sleepers are not disturbed."""
        _system.timerfd_settime(self._timer, 0, _timer_value(seconds), None)

    def wait(self, before_sleep: Callable[[], None]) -> None:
        """Without the interpreter."""
        before_sleep()
        os.read(self._timer, TIMERFD_READ_BYTES)


@lru_cache(maxsize=16)
def _timer_value(seconds: float) -> ctypes.Array[ctypes.c_long]:
    """For a timer that rings once. A loop puts off by the same again and again, and to make this costs more than the call."""
    whole, rest = divmod(max(round(seconds * NANOSECONDS), 1), NANOSECONDS)
    return (ctypes.c_long * 4)(0, 0, whole, rest)


class PolledDeadline:
    """For any system: who sleeps wakes up when the moment would have come, and sleeps again if it was put off."""

    LONGEST_SLEEP_SECONDS = 0.1

    def __init__(self) -> None:
        self._at = math.inf

    def put_off(self, seconds: float) -> None:
        """A sleeper sees at its next look that it comes earlier."""
        self._at = time.monotonic() + seconds

    def wait(self, before_sleep: Callable[[], None]) -> None:
        """Wakes up once in each period, and ten times a second at least."""
        while (rest := self._at - time.monotonic()) > 0:
            before_sleep()
            time.sleep(min(rest, self.LONGEST_SLEEP_SECONDS))

    def close(self) -> None:
        """It holds nothing."""
