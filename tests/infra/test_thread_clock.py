"""What one thread has had of the CPU, read by itself and by others."""

import hashlib
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from riverrun.infra.thread_clock import ThreadClock, starved_seconds

WORK = b"x" * 50_000_000
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts this")


@on_linux
def test_others_read_what_the_thread_reads_of_itself() -> None:
    clock, met = ThreadClock(), threading.Barrier(2)

    def read_beside_it() -> bytes:
        met.wait()
        return clock.schedstat()

    with ThreadPoolExecutor(1) as pool:
        told = pool.submit(read_beside_it)
        before = clock.schedstat()
        met.wait()
        beside = told.result()
    after = clock.schedstat()
    clock.close()
    assert numbers(before) <= numbers(beside) <= numbers(after)
    assert starved_seconds(before) <= starved_seconds(beside) <= starved_seconds(after)


@on_linux
def test_it_counts_what_its_thread_computes_whoever_asks() -> None:
    clock = ThreadClock()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(hashlib.sha256, WORK).result()
        before = time.thread_time()
        told = pool.submit(clock.cpu_seconds).result()
        assert before <= told <= time.thread_time()
    clock.close()


def test_what_is_not_counted_is_no_want() -> None:
    clock = ThreadClock()
    clock.close()
    assert clock.schedstat() == b""
    assert starved_seconds(b"") == 0


def numbers(schedstat: bytes) -> list[int]:
    """Seconds on a CPU and waiting for one, both as nanoseconds, and how often it got one: they only grow."""
    counted = [int(word) for word in schedstat.split()]
    assert len(counted) == 3
    return counted
