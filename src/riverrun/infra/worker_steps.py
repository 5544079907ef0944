"""What we add to Celery's worker: an end in time, whatever caused it, and a steady hold on the broker."""

import logging
import os
import signal
import threading
from typing import Any

from celery import Celery, bootsteps
from celery.signals import task_prerun, worker_shutting_down

from riverrun.infra.steady_broker import SteadyConnection
from riverrun.infra.worker_leaving import Leaving

EXIT_SECONDS = 3.5
"""How long a worker that leaves may take. What is left is killed then; its leases were given back long before."""
LOOK_SECONDS = 0.25

logger = logging.getLogger(__name__)


class HandOver(bootsteps.StartStopStep):  # type: ignore[misc]
    """Tells the pool to hand its runs over when the worker closes, also when it does because its main loop broke."""

    requires = ("celery.worker.components:Pool",)

    def close(self, parent: Any) -> None:
        """Celery closes all its parts first, and then waits for what the pool is doing."""
        parent.app.riverrun_leaving.announce()


def make_it_leave_well(app: Celery, leaving: Leaving) -> None:
    """Let SIGTERM, and any other end of the worker, hand over what is under way and take no longer than it may."""
    app.amqp.Connection = SteadyConnection
    app.steps["worker"].add(HandOver)
    worker_shutting_down.connect(lambda **_: leaving.announce(), weak=False)
    # Not when a process of the pool begins: the pool's own handlers are set after that.
    task_prerun.connect(lambda **_: leaving.hand_over_at_sigterm(), weak=False)


def end_in_time(leaving: Leaving) -> None:
    """Wait for the word to leave, and then for the end of this process, which is brought about when it does not come.

    Call it in a thread of the main process.
    """
    clock = threading.Event()
    while not leaving.is_announced:
        clock.wait(LOOK_SECONDS)
    clock.wait(EXIT_SECONDS)
    logger.warning("the worker does not end by itself, it is killed")
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)  # the pool's processes end with this one
