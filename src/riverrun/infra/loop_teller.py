"""A thread that tells what the watchdog found: to read lines and to write a log would keep the watchdog from looking.

It keeps still while one stall follows another. Whoever asks for the interpreter while a callback holds it may get it first when
that ends, and then the watchdog comes too late to see whose fault it was.
"""

import contextlib
import logging
import threading
from collections import deque
from datetime import datetime
from queue import SimpleQueue
from typing import NamedTuple

from riverrun.infra.loop_report import LoopReport, Place, Stall
from riverrun.infra.loop_stack import Seen

MOST_UNTOLD = 8
"""So many stalls without a heartbeat in time between them, and they are told all the same."""
MILLISECONDS = 1_000.0

logger = logging.getLogger(__name__)


class Found(NamedTuple):
    """A stall of which nobody has been told yet."""

    at: datetime
    blocked_seconds: float
    cpu_seconds: float
    place: Place
    stack: tuple[Seen, ...]


class LoopTeller:
    """Tells the report and the log. ``note`` and ``end`` are the watchdog's, ``loop_turns`` is the loop's."""

    def __init__(self, report: LoopReport) -> None:
        self._report = report
        self._untold: deque[Found] = deque()
        self._to_tell: SimpleQueue[Found | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._tell, name="loop watchdog's teller", daemon=True)

    def start(self) -> None:
        """Call it once."""
        self._thread.start()

    def note(self, found: Found) -> None:
        """To be told when the loop turns in time again."""
        self._untold.append(found)
        if len(self._untold) >= MOST_UNTOLD:
            self.loop_turns()

    def loop_turns(self) -> None:
        """Tell what is untold. Costs next to nothing if all is told, and waits for nobody."""
        with contextlib.suppress(IndexError):  # the other thread took the last one
            while self._untold:
                self._to_tell.put(self._untold.popleft())

    def end(self) -> None:
        """Nothing more will be found."""
        self.loop_turns()
        self._to_tell.put(None)

    def join(self) -> None:
        """Wait until all is told. Not on the loop."""
        self._thread.join()

    def _tell(self) -> None:
        while (found := self._to_tell.get()) is not None:
            lines = tuple(seen.line_with_text for seen in reversed(found.stack))
            blocked_ms, cpu_ms = found.blocked_seconds * MILLISECONDS, found.cpu_seconds * MILLISECONDS
            self._report.add_stall(Stall(found.at, blocked_ms, cpu_ms, found.place, lines))
            logger.warning("the loop was blocked for %.0f ms by %s", blocked_ms, found.place)
