"""What a serving program tells about itself: ``SIGUSR2`` makes it print a line of JSON, at no cost until then."""

import asyncio
import json
import resource
import signal
import sys
import threading
import time

import psutil

PERIOD_SECONDS = 0.02
LATE_SECONDS = 0.02
"""A wake-up later than this found the loop blocked: no callback of ours may take so long."""


class Probe:
    """Watches the loop that it is started on."""

    def __init__(self) -> None:
        self._blocked_seconds = 0.0
        self._worst_seconds = 0.0
        self._due = 0.0
        self._next: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Watch from now on, and tell when asked."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, self._tell)
        self.watch()

    def watch(self) -> None:
        """Watch from now on."""
        loop = asyncio.get_running_loop()
        self._due = loop.time() + PERIOD_SECONDS
        self._next = loop.call_at(self._due, self._look)

    def stop(self) -> None:
        """Watch no more."""
        if self._next is not None:
            self._next.cancel()

    def take(self) -> dict[str, float]:
        """What was used so far, and how late the loop was since the last time."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        told = {
            "at": time.monotonic(),
            "cpu_seconds": used.ru_utime + used.ru_stime,
            "rss_bytes": psutil.Process().memory_info().rss,
            "threads": threading.active_count(),
            "blocked_ms": self._blocked_seconds * 1e3,
            "worst_lag_ms": self._worst_seconds * 1e3,
        }
        self._blocked_seconds = self._worst_seconds = 0.0
        return told

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        late = loop.time() - self._due
        self._worst_seconds = max(self._worst_seconds, late)
        if late > LATE_SECONDS:
            self._blocked_seconds += late
        self._due = loop.time() + PERIOD_SECONDS
        self._next = loop.call_at(self._due, self._look)

    def _tell(self) -> None:
        sys.stdout.write(json.dumps(self.take()) + "\n")
        sys.stdout.flush()
