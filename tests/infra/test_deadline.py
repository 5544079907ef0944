"""A deadline comes when it was last put off to, and whoever sleeps until then is left in peace."""

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from types import SimpleNamespace

import pytest

from riverrun.infra import deadline as module
from riverrun.infra.deadline import Deadline, PolledDeadline, TimerDeadline, new_deadline
from riverrun.infra.thread_clock import times_put_to_sleep

KINDS = [TimerDeadline, PolledDeadline]
every_kind = pytest.mark.parametrize("make", KINDS)
FAR_SECONDS = 60.0


def pause(seconds: float) -> None:
    """In this thread alone."""
    threading.Event().wait(seconds)


class Sleeper(threading.Thread):
    """Waits once, and says when it woke up and how often it had slept."""

    def __init__(self, deadline: Deadline) -> None:
        super().__init__(daemon=True)
        self._deadline = deadline
        self.falls_asleep = threading.Event()
        self.woke: SimpleQueue[tuple[float, int]] = SimpleQueue()
        self.start()
        self.falls_asleep.wait(30)
        pause(0.01)

    def run(self) -> None:
        before = sleeps_of_this_thread()
        self._deadline.wait(self.falls_asleep.set)
        self.woke.put((time.monotonic(), sleeps_of_this_thread() - before))


def sleeps_of_this_thread() -> int:
    sleeps = times_put_to_sleep()
    assert sleeps is not None
    return sleeps


@every_kind
def test_it_comes_no_earlier_than_it_was_last_put_off_to(make: Callable[[], Deadline]) -> None:
    deadline = make()
    deadline.put_off(1)
    sleeper = Sleeper(deadline)
    for _ in range(20):
        last = time.monotonic()
        deadline.put_off(1)
        pause(0.01)
    at, _ = sleeper.woke.get(timeout=30)
    assert at >= last + 1


@every_kind
def test_a_sleeper_wakes_up_when_it_is_to_come_at_once(make: Callable[[], Deadline]) -> None:
    deadline = make()
    deadline.put_off(FAR_SECONDS)
    for seconds in (0, -1):
        sleeper = Sleeper(deadline)
        assert sleeper.woke.empty()
        deadline.put_off(seconds)
        sleeper.woke.get(timeout=FAR_SECONDS / 2)
        deadline.put_off(FAR_SECONDS)


@every_kind
def test_it_does_not_come_before_it_was_put_off_at_all(make: Callable[[], Deadline]) -> None:
    deadline = make()
    sleeper = Sleeper(deadline)
    pause(0.05)
    assert sleeper.woke.empty()
    deadline.put_off(0)
    sleeper.woke.get(timeout=30)


def test_to_put_it_off_wakes_nobody_up() -> None:
    """This is what it is for: it was put off a hundred times, and the sleeper slept once."""
    deadline = TimerDeadline()
    deadline.put_off(FAR_SECONDS)
    sleeper = Sleeper(deadline)
    for _ in range(100):
        pause(0.002)
        deadline.put_off(FAR_SECONDS)
    deadline.put_off(0)
    _, sleeps = sleeper.woke.get(timeout=30)
    assert sleeps <= 10  # one, and those in which this thread had the interpreter


def test_where_the_system_gives_no_timer_it_is_polled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_system", SimpleNamespace(timerfd_create=lambda *_: -1))
    assert isinstance(new_deadline(), PolledDeadline)
