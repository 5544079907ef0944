"""Ending a command that stays in the foreground: asked once it ends well, asked twice at once."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from riverrun.cli.client_errors import EXIT_INTERRUPTED


@contextmanager
def ended_by_signals(kill: Callable[[], None]) -> Iterator[None]:
    """The first signal to end inside raises ``KeyboardInterrupt``; a second SIGINT or SIGTERM calls ``kill`` and exits at once.

    Hangups never count as a second: shell and kernel may send several for one closed terminal.
    """
    is_ending = False
    times_asked = 0

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal is_ending, times_asked
        times_asked += number != signal.SIGHUP
        if times_asked > 1:
            kill()
            os._exit(EXIT_INTERRUPTED)
        if not is_ending:
            is_ending = True
            raise KeyboardInterrupt

    former = {number: signal.signal(number, interrupt) for number in signals_to_end()}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def signals_to_end() -> Iterator[signal.Signals]:
    """Those that ask a command to end. A hangup does not where ``nohup`` started it."""
    yield from (signal.SIGINT, signal.SIGTERM)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        yield signal.SIGHUP
