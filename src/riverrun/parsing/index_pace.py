"""The rhythm in which a long indexing speaks and listens."""

import time
from collections.abc import Callable

from riverrun.parsing.errors import IndexingStopped

Progress = Callable[[str, int, int, str], None]
"""``(phase, done, total, unit)``; a total of 0 is not known yet."""

PROGRESS_SECONDS = 0.25
STOP_CHECK_SECONDS = 0.1


class IndexPace:
    """Reports progress at most four times a second, but each phase's begin and end, and asks whether to stop.

    ``report`` and ``check`` may raise ``IndexingStopped``.
    """

    def __init__(self, progress: Progress, should_stop: Callable[[], bool]) -> None:
        self._progress = progress
        self._should_stop = should_stop
        self._next_report = 0.0
        self._next_check = 0.0
        self._is_stopping = False

    def report(self, phase: str, done: int, total: int, unit: str = "files") -> None:
        """How far a phase is."""
        self.check()
        now = time.monotonic()
        if done in (0, total) or now >= self._next_report:
            self._next_report = now + PROGRESS_SECONDS
            self._progress(phase, done, total, unit)

    def check(self) -> None:
        """Stop here if that was asked for."""
        if self.is_stopping():
            raise IndexingStopped("Indexing was stopped. What is done so far is kept.")

    def is_stopping(self) -> bool:
        """Whether that was asked for; asks at most ten times a second."""
        now = time.monotonic()
        if not self._is_stopping and now >= self._next_check:
            self._next_check = now + STOP_CHECK_SECONDS
            self._is_stopping = self._should_stop()
        return self._is_stopping
