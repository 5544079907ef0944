"""``riverrun worker`` on its own: a worker process a queue, each started again when it dies or is deaf."""

import logging
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from riverrun.cli.interrupts import ended_by_signals
from riverrun.cli.supervisor import Child, Supervisor
from riverrun.embedded.guarded_process import GuardedProcess
from riverrun.infra.logs import configure_logs
from riverrun.infra.settings import Settings
from riverrun.infra.worker_readiness import require_known

GRACE_SECONDS = 4.2
"""A worker ends by itself in less; with this the whole command has ended within 5."""

logger = logging.getLogger(__name__)


def host_workers(queues: Sequence[str], settings: Settings) -> None:
    """Run a worker a queue until SIGINT, SIGTERM or SIGHUP; what they say goes to standard error.

    Raises:
        UnknownQueue: a queue that does not exist.
        MissingSetting: a server's address is not given.
    """
    require_known(queues)
    settings.require_database_url()
    settings.require_redis_url()
    configure_logs(settings.log_level)
    children: list[Child] = []
    supervisor = Supervisor(children, None, logger.warning)
    with ended_by_signals(lambda: kill(children)):
        try:
            children += [Child(f"worker-{work}", None, starter(work)) for work in queues]
            supervisor.start()
            threading.Event().wait()
        except KeyboardInterrupt:
            logger.info("stopping; runs under way are handed over")
        finally:
            supervisor.stop()
            stop(children)


def starter(work: str) -> Callable[[Path | None], GuardedProcess]:
    """How to start a worker for one queue; the settings are in the environment that it inherits."""
    command = [sys.executable, "-m", "riverrun", "worker", "--queues", work, "--supervised"]
    return lambda log_path: GuardedProcess(command, log_path=log_path, grace_seconds=GRACE_SECONDS)


def stop(children: Sequence[Child]) -> None:
    """Ask all at once, and wait for the last."""
    for child in children:
        child.process.ask_to_stop()
    for child in children:
        child.process.wait()


def kill(children: Sequence[Child]) -> None:
    """End all now; their runs are taken over when the leases have run out."""
    for child in children:
        child.process.kill()
