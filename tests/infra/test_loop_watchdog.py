"""The watchdog sleeps while the loop turns, names who blocks it, and gives everything back at its end."""

import asyncio
import gc
import os
import threading
import time
import weakref
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest
import uvloop
from tests.support.waiting import wait_until, wait_until_async

from riverrun.infra import loop_watchdog as module
from riverrun.infra.deadline import PolledDeadline, TimerDeadline
from riverrun.infra.loop_report import LoopReport, Place
from riverrun.infra.loop_stack import Call, Seen, blocking_line
from riverrun.infra.loop_watchdog import LoopWatchdog

WARN_SECONDS = 0.1
BLOCK_SECONDS = 0.3
HEARTBEATS = 20
NAMES = {"loop watchdog", "loop watchdog's teller"}

Runner = Callable[[Coroutine[Any, Any, None]], None]
every_loop = pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])


@pytest.fixture(autouse=True)
def all_ended() -> Iterator[None]:
    yield
    wait_until(lambda: not watchdogs(), what="the threads' end")


def block_the_loop() -> None:
    time.sleep(BLOCK_SECONDS)


class Kept:
    """Something that may be forgotten."""


def describe(_: Sequence[Call], stack: Sequence[Seen]) -> Place:
    return Place(blocking_line(stack), stack[-1].code.co_qualname)


@contextmanager
def watched(report: LoopReport) -> Iterator[LoopWatchdog]:
    """In a task of the loop."""
    watchdog = LoopWatchdog(report, describe, warn_seconds=WARN_SECONDS)
    watchdog.start()
    try:
        yield watchdog
    finally:
        watchdog.stop()


def is_found(report: LoopReport) -> bool:
    return any("in block_the_loop" in stall.place.line for stall in report.worst)


def heartbeats_of(report: LoopReport) -> int:
    return int(report.metrics.lag.buckets[-1][1])


def sleeps_of_the_watchdog() -> int:
    [thread] = [thread for thread in threading.enumerate() if thread.name == "loop watchdog"]
    status = Path(f"/proc/self/task/{thread.native_id}/status").read_text()
    return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])


def watchdogs() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name in NAMES]


@every_loop
@pytest.mark.parametrize("deadline", [TimerDeadline, PolledDeadline])
def test_who_blocks_the_loop_is_named(
    run: Runner, deadline: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "new_deadline", deadline)
    report = LoopReport()

    async def block() -> None:
        with watched(report):
            await asyncio.sleep(0)
            block_the_loop()
            await wait_until_async(lambda: is_found(report))

    run(block())
    stall = next(stall for stall in report.worst if "in block_the_loop" in stall.place.line)
    assert stall.blocked_time_ms >= WARN_SECONDS * 1_000
    assert any("time.sleep(BLOCK_SECONDS)" in line for line in stall.stack)


@every_loop
def test_it_sleeps_through_while_a_busy_loop_turns(run: Runner) -> None:
    """On a machine that is never so quiet that the loop is not late once in half a second, this times out."""
    report = LoopReport()

    async def is_left_in_peace() -> bool:
        sleeps, until = sleeps_of_the_watchdog(), heartbeats_of(report) + HEARTBEATS
        while heartbeats_of(report) < until:
            sum(range(10_000))
            await asyncio.sleep(0)
        return sleeps_of_the_watchdog() == sleeps

    async def compute() -> None:
        with watched(report):
            await wait_until_async(is_left_in_peace, 60)

    run(compute())


@every_loop
def test_a_stall_right_before_the_end_is_told(run: Runner) -> None:
    report = LoopReport()
    ended: list[LoopWatchdog] = []

    async def block() -> None:
        with watched(report) as watchdog:
            await asyncio.sleep(0.05)
            block_the_loop()
        ended.append(watchdog)

    run(block())
    ended[0].join()
    assert is_found(report)


@every_loop
def test_nobody_is_blamed_while_the_loop_is_not_run(run: Runner) -> None:
    report = LoopReport()
    make = asyncio.new_event_loop if run is asyncio.run else uvloop.new_event_loop
    watchdog = LoopWatchdog(report, describe, warn_seconds=WARN_SECONDS)

    async def begin() -> None:
        watchdog.start()

    async def end() -> None:
        await asyncio.sleep(0.05)
        watchdog.stop()

    loop = make()
    loop.run_until_complete(begin())
    block_the_loop()
    loop.run_until_complete(end())
    loop.close()
    watchdog.join()
    assert report.stalls == 0
    assert report.machine_stalls == 0
    assert watchdog.blocked_seconds < BLOCK_SECONDS / 2


@every_loop
def test_it_keeps_nothing_of_who_started_it(run: Runner) -> None:
    """A heartbeat in the context of the first request would keep that for ever."""
    kept: ContextVar[Kept] = ContextVar("kept")

    async def first_request(report: LoopReport) -> tuple[LoopWatchdog, weakref.ref[Kept]]:
        kept.set(value := Kept())
        watchdog = LoopWatchdog(report, describe, warn_seconds=WARN_SECONDS)
        watchdog.start()
        return watchdog, weakref.ref(value)

    async def serve() -> None:
        watchdog, value = await asyncio.create_task(first_request(report := LoopReport()))
        await wait_until_async(lambda: heartbeats_of(report) >= 2)
        gc.collect()
        assert value() is None
        watchdog.stop()

    run(serve())


@every_loop
def test_nothing_of_it_is_left(run: Runner) -> None:
    async def watch() -> None:
        with watched(LoopReport()):
            await asyncio.sleep(0.05)

    run(watch())
    wait_until(lambda: not watchdogs(), what="the threads' end")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        run(watch())
    wait_until(lambda: not watchdogs(), what="the threads' end")
    wait_until(lambda: len(os.listdir("/proc/self/fd")) <= before, what="the files' end")


@every_loop
def test_it_ends_with_a_loop_that_was_closed_without_a_word(run: Runner) -> None:
    seen: list[threading.Thread] = []

    async def watch() -> None:
        LoopWatchdog(LoopReport(), describe, warn_seconds=WARN_SECONDS).start()
        seen.extend(watchdogs())

    run(watch())
    assert {thread.name for thread in seen} == NAMES


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@every_loop
def test_a_watch_that_fails_is_over_and_the_loop_goes_on(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> int:
        raise OSError("a sandbox that tells nothing of threads")

    async def watch() -> None:
        monkeypatch.setattr(module, "times_put_to_sleep", fail)
        with watched(report) as watchdog:
            await wait_until_async(lambda: not watchdogs(), what="the threads' end")
            beats = heartbeats_of(report)
            await asyncio.sleep(0.1)
            assert heartbeats_of(report) == beats
        watchdog.join()

    report = LoopReport()
    run(watch())
