"""Ending a command that stays in the foreground: asked once it ends well, asked twice at once."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from riverrun.cli.client_errors import EXIT_INTERRUPTED


@contextmanager
def ended_by_signals(kill: Callable[[], None]) -> Iterator[None]:
    """The first SIGINT or SIGTERM inside raises ``KeyboardInterrupt``; the second calls ``kill`` and exits at once."""
    signals_seen = 0

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal signals_seen
        signals_seen += 1
        if signals_seen > 1:
            kill()
            os._exit(EXIT_INTERRUPTED)
        raise KeyboardInterrupt

    former = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
