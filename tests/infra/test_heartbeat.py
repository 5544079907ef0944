"""How long a loop was blocked, and who is blamed: the arithmetic, on clocks that are given."""

import pytest

from riverrun.infra.heartbeat import Heartbeat, Reading, Sight
from riverrun.infra.loop_report import Place

WARN_SECONDS = 0.1
BEFORE = Reading(at=50.0, cpu_seconds=7.0, schedstat=b"7000000000 1000000000 3\n")


def after(late: float, *, cpu: float = 0.0, starved: float = 0.0) -> Reading:
    """So many seconds behind the moment when the heartbeat was due; the clocks ran so far since the one before."""
    due_at = Heartbeat(BEFORE).due_at
    waited_ns = round((BEFORE.starved_seconds + starved) * 1e9)
    return Reading(due_at + late, BEFORE.cpu_seconds + cpu, b"8000000000 %d 4\n" % waited_ns)


def seen_in(name: str) -> Sight:
    return Sight(1, 2, Place(f"a.py:1 in {name}", name))


def test_who_comes_in_time_is_not_late() -> None:
    assert Heartbeat(BEFORE).late_seconds(after(-0.02).at) == 0
    assert Heartbeat(BEFORE).late_seconds(after(0.3).at) == pytest.approx(0.3)


def test_a_loop_asleep_in_a_call_is_blocked_all_the_time() -> None:
    assert Heartbeat(BEFORE).blocked_seconds(after(0.3)) == pytest.approx(0.3)


def test_the_want_of_cpu_is_taken_off() -> None:
    assert Heartbeat(BEFORE).blocked_seconds(after(0.3, starved=0.25)) == pytest.approx(0.05)


def test_what_it_computed_it_was_blocked_by_whatever_it_wanted() -> None:
    heartbeat = Heartbeat(BEFORE)
    used = heartbeat.due_at - BEFORE.at + 0.2
    assert heartbeat.blocked_seconds(after(0.3, cpu=used, starved=0.25)) == pytest.approx(0.2)


def test_what_it_computed_before_the_heartbeat_was_due_blocked_nothing() -> None:
    assert Heartbeat(BEFORE).blocked_seconds(after(0.11, cpu=0.1, starved=0.1)) < WARN_SECONDS


def test_a_process_that_stood_still_was_not_blocked() -> None:
    heartbeat = Heartbeat(BEFORE)
    heartbeat.stood_seconds = 0.29
    assert heartbeat.blocked_seconds(after(0.3)) == pytest.approx(0.01)


def test_whom_the_loop_is_in_when_it_is_an_alarm_is_blamed_and_nobody_after_him() -> None:
    heartbeat = Heartbeat(BEFORE)
    for late, name in ((0.06, "first"), (0.1, "blocker"), (0.2, "later")):
        heartbeat.blame(seen_in(name), after(late), WARN_SECONDS)
    assert heartbeat.blocker is not None
    assert heartbeat.blocker[0].endpoint == "blocker"


def test_a_stall_that_ends_between_two_looks_has_its_blocker_all_the_same() -> None:
    heartbeat = Heartbeat(BEFORE)
    heartbeat.blame(seen_in("blocker"), after(0.098), WARN_SECONDS)
    assert heartbeat.blocker is not None
    assert heartbeat.blocked_seconds(after(0.102)) >= WARN_SECONDS


def test_nobody_is_blamed_early_or_when_the_loop_is_in_no_callback() -> None:
    heartbeat = Heartbeat(BEFORE)
    heartbeat.blame(seen_in("short"), after(0.04), WARN_SECONDS)
    heartbeat.blame(Sight(None, 0), after(0.2), WARN_SECONDS)
    assert heartbeat.blocker is None
