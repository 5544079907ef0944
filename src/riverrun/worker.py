"""The worker: Celery with our tasks, for the queues that it is given."""

import contextlib
import logging
import os
import signal
import threading
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import billiard
from celery import Celery
from celery.signals import heartbeat_sent, worker_process_shutdown, worker_ready
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from riverrun.infra.celery_app import configure_celery, queue_name
from riverrun.infra.database import open_engine
from riverrun.infra.logs import configure_logs
from riverrun.infra.redis_clients import open_redis
from riverrun.infra.revision_reading import read_revision
from riverrun.infra.schema_revision import require_fitting
from riverrun.infra.settings import Settings
from riverrun.infra.shared_metrics import SharedMetrics
from riverrun.infra.task_base import bind_settings
from riverrun.infra.tracing import require_sdk
from riverrun.infra.worker_leaving import Leaving
from riverrun.infra.worker_readiness import ready_key, require_known
from riverrun.infra.worker_resources import WorkerResources
from riverrun.infra.worker_steps import end_in_time, make_it_leave_well
from riverrun.runs.canary import Canary, keep_out_of_the_log
from riverrun.runs.lease import worker_name
from riverrun.runs.run_metrics import shared_by
from riverrun.runs.worker_metrics import WorkerMetrics, require_metrics_token

TASK_MODULES = {
    "chats": "riverrun.conversations.agent_tasks",
    "indexing": "riverrun.parsing.parsing_tasks",
}
"""What each queue needs; an indexing worker never imports the agents."""

READY_TTL_SECONDS = 30

logger = logging.getLogger(__name__)


def create_celery(
    settings: Settings,
    queues: Sequence[str] = tuple(TASK_MODULES),
    leaving: Leaving | None = None,
    metrics: SharedMetrics | None = None,
) -> Celery:
    """The app with the tasks of ``queues``, loaded before any fork so that the first message waits for no import."""
    app = configure_celery(settings)
    bind_settings(app, settings, leaving or Leaving(), metrics)
    app.set_default()
    for work in queues:
        import_module(TASK_MODULES[work])
    return app


def run_worker(queues: Sequence[str], settings: Settings) -> None:
    """Consume ``queues`` (``chats``, ``indexing``) until SIGTERM, or until the broker is not heard any more.

    The end takes 5 s at most, whatever is under way: runs are handed over. Whoever runs this starts it again.

    Raises:
        UnknownQueue: one that does not exist.
        MissingSetting: the metrics have a port and no token, or traces are wanted and the extra is not installed.
        MisfitTables: the database's tables are not those of this release.
    """
    require_known(queues)
    # The pool's processes share memory with this one. On macOS they would be begun anew, and know nothing of it.
    billiard.set_start_method("fork", force=True)
    configure_logs(settings.log_level)
    keep_out_of_the_log()
    leaving = Leaving()
    concurrency = settings.chat_concurrency if "chats" in queues else settings.indexing_concurrency
    shared = shared_by(concurrency)
    metrics = WorkerMetrics(settings, queues, shared, processes=concurrency)
    require_metrics_token(settings)
    require_sdk(settings)
    require_fitting_tables(settings)
    app = create_celery(settings, queues, leaving, shared)
    make_it_leave_well(app, leaving)
    canary = Canary(
        app, queues, settings, worker=worker_name(main_process_id=os.getpid()), concurrency=concurrency
    )
    _announce_while_consuming(queues, settings)
    _send_last_spans(app)
    _start_once_ready(
        lambda: end_in_time(leaving),
        lambda: _end_when_deaf(canary, leaving, metrics),
        metrics.serve_if_wanted,
    )
    app.worker_main(
        [
            "worker",
            "--loglevel",
            settings.log_level,
            "--queues",
            ",".join(queue_name(settings, work) for work in queues),
            "--concurrency",
            str(concurrency),
            "--hostname",
            f"{'-'.join(queues)}@%h",
            "--without-gossip",
            "--without-mingle",
        ]
    )


def require_fitting_tables(settings: Settings) -> None:
    """Take no run on tables of another release. While Postgres is away they are not looked at: its return needs no restart.

    The API has its readiness to say so; nobody asks a worker, and what an older one stores may leave counts wrong.
    """
    engine = open_engine(settings.require_database_url(), pool_size=1)
    try:
        with engine.connect() as connection:
            revision = read_revision(connection)
    except SQLAlchemyError as error:
        logger.warning("the tables' revision could not be read: %s", error)
    else:
        require_fitting(revision)
    finally:
        engine.dispose()


def _announce_while_consuming(queues: Sequence[str], settings: Settings) -> None:
    """Say that the queues are consumed, first when they are, then with every heartbeat of the worker."""
    redis = open_redis(settings.require_redis_url())

    def announce(**_: Any) -> None:
        with contextlib.suppress(RedisError, OSError):  # the next heartbeat says it again
            for work in queues:
                redis.set(ready_key(work), "ready", ex=READY_TTL_SECONDS)

    for signal_of_life in (worker_ready, heartbeat_sent):
        signal_of_life.connect(announce, weak=False)


def _send_last_spans(app: Celery) -> None:
    """When a process of the pool ends."""

    def send(**_: Any) -> None:
        resources: WorkerResources | None = getattr(app, "riverrun_resources", None)
        if resources is not None and resources.pid == os.getpid():
            resources.tracing.close()

    worker_process_shutdown.connect(send, weak=False)


def _start_once_ready(*duties: Any) -> None:
    """Threads of the main process, started when the pool has been forked."""

    def start(**_: Any) -> None:
        for duty in duties:
            threading.Thread(target=duty, daemon=True).start()

    worker_ready.connect(start, weak=False)


def _end_when_deaf(canary: Canary, leaving: Leaving, metrics: WorkerMetrics) -> None:
    if queue := canary.watch(leaving):
        logger.critical("this worker does not hear the queue %s any more; it ends to be started again", queue)
        metrics.note_deaf()
        leaving.announce()
        os.kill(os.getpid(), signal.SIGTERM)
