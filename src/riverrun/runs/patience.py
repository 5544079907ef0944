"""Waiting for a Postgres that is away: what is complete is not thrown away because it cannot be stored just now."""

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from sqlalchemy.exc import DBAPIError

RETRY_SECONDS = 1.0
PATIENCE_SECONDS = 600.0

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


def patiently(
    work: Callable[[], Result], run_id: UUID, is_lost: threading.Event, give_up: Callable[[], Exception]
) -> Result:
    """Do ``work`` as soon as Postgres is there for it, ten minutes at most.

    Raises:
        Exception: what ``work`` raised, when it was no outage or lasted too long; ``give_up()`` once ``is_lost`` is set.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return work()
        except (DBAPIError, OSError) as failure:
            if not is_outage(failure) or time.monotonic() > deadline:
                raise
            logger.warning("run %s: Postgres is away, the run waits: %s", run_id, failure)
            if is_lost.wait(RETRY_SECONDS):
                raise give_up() from failure


def is_outage(failure: BaseException) -> bool:
    """Whether the database could not be reached, rather than refused what it was told."""
    if isinstance(failure, DBAPIError):
        return failure.connection_invalidated or type(failure).__name__ in (
            "OperationalError",
            "InterfaceError",
        )
    return isinstance(failure, OSError)
