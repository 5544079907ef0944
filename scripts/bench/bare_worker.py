"""The bound of a broker hop: a Celery worker as ours is set up, whose only task appends one event.

``python -m bench.bare_worker <queue> <redis_url>``.
"""

import sys
from typing import Any
from uuid import UUID

from celery import Celery

from bench.redis_wire import RedisWire
from riverrun.infra.celery_app import configure_celery
from riverrun.infra.settings import Settings
from riverrun.streaming.commands import APPEND_SCRIPT, append_arguments, append_keys
from riverrun.streaming.cursor import Position
from riverrun.streaming.events import Event, EventType

TASK = "bench.append"
TTL_SECONDS = 60


class Appender:
    """Opens its connection where it is first used: in the forked child."""

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url
        self._wire: RedisWire | None = None
        self._sha = b""

    def append(self, run_id: str) -> None:
        """The run's first event."""
        if self._wire is None:
            self._wire = RedisWire(self._redis_url)
            self._sha = self._wire.call("SCRIPT", "LOAD", APPEND_SCRIPT)
        run, event = UUID(run_id), Event.create(Position(1, 1), EventType.STARTED, {})
        keys, arguments = append_keys(run), append_arguments(run, event, TTL_SECONDS)
        self._wire.call("EVALSHA", self._sha, len(keys), *keys, *arguments)


def bare_app(redis_url: str) -> Celery:
    """The app with its one task."""
    app = configure_celery(Settings(redis_url=redis_url))
    appender = Appender(redis_url)

    def append(run_id: str) -> Any:
        appender.append(run_id)

    app.task(name=TASK)(append)
    return app


if __name__ == "__main__":
    queue, redis_url = sys.argv[1:]
    flags = "--concurrency 1 --without-gossip --without-mingle --without-heartbeat --loglevel ERROR"
    bare_app(redis_url).worker_main(["--quiet", "worker", "--queues", queue, *flags.split()])
