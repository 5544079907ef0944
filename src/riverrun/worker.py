"""The worker: Celery with our tasks, for the queues that it is given."""

import contextlib
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from celery import Celery
from celery.signals import heartbeat_sent, worker_ready
from redis.exceptions import RedisError

from riverrun.infra.celery_app import configure_celery, queue_name
from riverrun.infra.logs import configure_logs
from riverrun.infra.redis_clients import open_redis
from riverrun.infra.settings import Settings
from riverrun.infra.task_base import bind_settings
from riverrun.infra.worker_readiness import ready_key

TASK_MODULES = {
    "chats": "riverrun.conversations.agent_tasks",
    "indexing": "riverrun.parsing.parsing_tasks",
}
"""What each queue needs; an indexing worker never imports the agents."""

READY_TTL_SECONDS = 30


def create_celery(settings: Settings, queues: Sequence[str] = tuple(TASK_MODULES)) -> Celery:
    """The app with the tasks of ``queues``, loaded before any fork so that the first message waits for no import."""
    app = configure_celery(settings)
    bind_settings(app, settings)
    app.set_default()
    for work in queues:
        import_module(TASK_MODULES[work])
    return app


def run_worker(queues: Sequence[str], settings: Settings) -> None:
    """Consume ``queues`` (``chats``, ``indexing``) until SIGTERM.

    Raises:
        ValueError: a queue that does not exist.
    """
    if unknown := set(queues) - set(TASK_MODULES):
        raise ValueError(f"There is no queue {', '.join(sorted(unknown))}; there are chats and indexing.")
    configure_logs(settings.log_level)
    app = create_celery(settings, queues)
    _announce_while_consuming(queues, settings)
    concurrency = settings.chat_concurrency if "chats" in queues else settings.indexing_concurrency
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


def _announce_while_consuming(queues: Sequence[str], settings: Settings) -> None:
    """Say that the queues are consumed, first when they are, then with every heartbeat of the worker."""
    redis = open_redis(settings.require_redis_url())

    def announce(**_: Any) -> None:
        with contextlib.suppress(RedisError, OSError):  # the next heartbeat says it again
            for work in queues:
                redis.set(ready_key(work), "ready", ex=READY_TTL_SECONDS)

    for signal in (worker_ready, heartbeat_sent):
        signal.connect(announce, weak=False)
