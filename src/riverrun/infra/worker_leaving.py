"""How a worker's processes learn that they are to end: by one byte that all of them share."""

import mmap
import signal
from types import FrameType


class Leaving:
    """Said once by the worker's main process, seen by each process that it forked after making this.

    A byte of shared memory has no lock, so that it can be set in a signal handler, and outlives no process.
    """

    def __init__(self) -> None:
        self._byte = mmap.mmap(-1, 1)
        self._one_run = False  # no lock either: it is set in a signal handler, too

    @property
    def is_announced(self) -> bool:
        """Whether the whole worker is to end: nothing new may be begun."""
        return self._byte[0] != 0

    @property
    def is_due(self) -> bool:
        """Whether the run that this process works on is to be handed over."""
        return self.is_announced or self._one_run

    def announce(self) -> None:
        """Let every process of the worker hand its run over."""
        self._byte[0] = 1

    def begin_run(self) -> None:
        """What was said to this process about an earlier run does not concern the next one."""
        self._one_run = False

    def hand_over_at_sigterm(self) -> None:
        """Let a SIGTERM to this process alone (service managers tell all of a group) hand its run over, not kill it.

        The main process gets the same signal and ends this one; who kills with SIGTERM and means it, kills again.
        """

        def hand_over(number: int, frame: FrameType | None) -> None:
            self._one_run = True

        signal.signal(signal.SIGTERM, hand_over)
