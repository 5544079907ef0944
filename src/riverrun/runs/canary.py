"""A canary in each queue: a worker that no longer hears the broker, which Celery calls healthy, is found out and ended.

Celery on Redis sometimes stops consuming after a reconnect, while its heartbeat goes on. So the worker's main process
puts a message of its own into each of its queues and waits for the answer, over a connection that is not Celery's.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from celery import Celery, shared_task
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from riverrun.infra.celery_app import broker_url, queue_name
from riverrun.infra.database import open_engine
from riverrun.infra.redis_clients import open_redis
from riverrun.infra.settings import Settings
from riverrun.infra.task_base import RunTask
from riverrun.infra.task_dispatch import WakeUp, encode_message
from riverrun.infra.worker_leaving import Leaving
from riverrun.kit.ids import new_uuid
from riverrun.runs.lease_statements import leases_of

CANARY_TASK = "riverrun.runs.canary"
LOOKS_BEFORE_DEAF = 8
ANSWER_TTL_SECONDS = 600

logger = logging.getLogger(__name__)


@shared_task(bind=True, base=RunTask, name=CANARY_TASK)  # type: ignore[untyped-decorator]
def answer_canary(self: RunTask, run_id: str) -> None:
    """Say that a canary got through. Its id stands where other tasks have a run's."""
    self.resources.redis.set(answer_key(run_id), "heard", ex=ANSWER_TTL_SECONDS)


def keep_out_of_the_log() -> None:
    """Celery tells of each task twice; of these, which come every few seconds for ever, nobody wants to read."""
    for talker in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(talker).addFilter(lambda record: CANARY_TASK not in record.getMessage())


def answer_key(canary_id: str) -> str:
    """The key in the streams' server that answers a canary."""
    return f"riverrun:canary:{canary_id}"


@dataclass(slots=True)
class _Song:
    """A canary under way. Its silence counts from ``since``, when ``ahead`` messages were to be taken before it."""

    queue: str
    canary_id: str
    message: str
    since: float
    ahead: int | None = None


class Canary:
    """Looks after the queues of one worker; belongs to a thread of its main process.

    A worker is deaf when at every look for ``deaf_seconds`` its canary had not come forward in its queue although a process
    of the pool was free: a worker with free hands takes the oldest message at once. One whose processes all hold a lease
    is busy, one with a long queue comes nearer, and while Redis or Postgres is away nothing is concluded.
    """

    def __init__(
        self, app: Celery, queues: Sequence[str], settings: Settings, *, worker: str, concurrency: int
    ) -> None:
        self._app = app
        self._queues = [queue_name(settings, work) for work in queues]
        self._settings = settings
        self._worker = worker
        self._concurrency = concurrency
        self._streams = open_redis(settings.require_redis_url())
        self._broker = open_redis(broker_url(settings))
        self._songs: dict[str, _Song] = {}

    def watch(self, leaving: Leaving) -> str | None:
        """Look until the worker leaves (none) or is deaf (the queue that it does not hear)."""
        pause_seconds = self._settings.deaf_seconds / LOOKS_BEFORE_DEAF
        clock = threading.Event()
        while not clock.wait(pause_seconds) and not leaving.is_announced:
            if deaf := self.look():
                return deaf
        return None

    def look(self) -> str | None:
        """Answered canaries are followed by new ones; the queue whose canary was not heard for too long, if any."""
        try:
            return next((queue for queue in self._queues if self._is_deaf_to(queue)), None)
        except (RedisError, OSError, SQLAlchemyError) as error:
            logger.warning("the canary cannot tell now, it waits: %s", error)
            for song in self._songs.values():
                song.since = time.monotonic()
            return None

    def _is_deaf_to(self, queue: str) -> bool:
        song = self._songs.get(queue)
        if song is None or self._streams.delete(answer_key(song.canary_id)):
            self._songs[queue] = self._sing(queue)
            return False
        ahead = self._messages_before(song)
        is_long_ago = time.monotonic() - song.since >= self._settings.deaf_seconds
        if ahead is None:  # somebody has it and will answer, or the broker lost it
            if is_long_ago:
                del self._songs[queue]
            return False
        if ahead != song.ahead or self._is_busy():
            song.ahead, song.since = ahead, time.monotonic()
            return False
        if is_long_ago:
            with contextlib.suppress(RedisError):
                self._broker.lrem(queue, 1, song.message)
        return is_long_ago

    def _messages_before(self, song: _Song) -> int | None:
        """How many messages will be taken before the canary; none when it is not in the queue."""
        with self._broker.pipeline() as pipeline:
            pipeline.llen(song.queue)
            pipeline.lpos(song.queue, song.message)
            length, place = pipeline.execute()
        return None if place is None else int(length - 1 - place)

    def _sing(self, queue: str) -> _Song:
        canary_id = new_uuid()
        message = encode_message(self._app, WakeUp(CANARY_TASK, queue, canary_id)).decode()
        self._broker.lpush(queue, message)
        return _Song(queue, str(canary_id), message, time.monotonic())

    def _is_busy(self) -> bool:
        engine = open_engine(self._settings.require_database_url(), pool_size=1)
        try:
            with engine.connect() as connection:
                held = connection.scalar(leases_of(self._worker)) or 0
        finally:
            engine.dispose()
        return held >= self._concurrency
