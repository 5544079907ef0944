"""Paths that a run seldom takes, each with a line of log and a count: an operator sees them, and a proof can count them."""

import logging
from enum import StrEnum
from uuid import UUID

logger = logging.getLogger(__name__)


class RarePath(StrEnum):
    """What went wrong and was made good."""

    GAP = "gap"
    """A pushed frame did not follow the last one: the reader reads the log."""
    OVERFLOW = "overflow"
    """A slow reader's buffer was full and is dropped: it reads the log at its own pace."""
    WATCHDOG = "watchdog"
    """A silent run's readers were behind its top: the last frame was lost."""
    HOLE = "hole"
    """Redis lacks events before the next one: the worker appends them again."""
    RESET = "reset"
    """A position is not known: the reader gets a snapshot."""
    FENCE = "fence"
    """An attempt that was taken over woke up, and may write nothing."""
    REDELIVERY = "redelivery"
    """A wake-up for a run that another worker has, or that is over: it is dropped."""
    POISON = "poison"
    """Too many workers died on the run: it ends as an error."""


taken: dict[RarePath, int] = dict.fromkeys(RarePath, 0)
"""How often this process took each, since its start."""


def note(path: RarePath, run_id: UUID) -> None:
    """Say that ``path`` was taken."""
    taken[path] += 1
    logger.info("rare path %s: run %s", path, run_id)
