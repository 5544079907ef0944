"""Runs without a model: rows and events as a worker writes them, at a rate that the benchmark chooses."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from bench.run_rows import insert_running_runs
from riverrun.auth.sign_in import ensure_administrator
from riverrun.infra.database import open_engine
from riverrun.infra.redis_clients import open_redis
from riverrun.infra.settings import Settings
from riverrun.runs import statements
from riverrun.runs.models import RunStatus
from riverrun.streaming.cursor import Position
from riverrun.streaming.events import Event, EventType
from riverrun.streaming.redis_streaming import RedisStreamManager


class SyntheticRun:
    """A running run whose texts carry the moment at which they were said: ``<number> <monotonic ns>``."""

    def __init__(self, engine: Engine, streams: RedisStreamManager, user_id: UUID) -> None:
        [self.id] = insert_running_runs(engine, user_id, 1)
        self._engine = engine
        self._streams = streams
        self._log: list[Event] = []
        self._joined = hashlib.sha256()
        self._chars = 0
        self._publish(EventType.QUEUED)

    def say(self) -> None:
        """One text event."""
        text = f"{len(self._log)} {time.monotonic_ns()} some words of an answer "
        self._joined.update(text.encode())
        self._chars += len(text)
        self._publish(EventType.TEXT, text=text)

    def end(self) -> None:
        """Record everything and end, in the order in which a worker does: the record first."""
        end = self._next(
            EventType.END,
            status=RunStatus.COMPLETED,
            chars=self._chars,
            events=len(self._log) + 1,
            text_sha256=self._joined.hexdigest(),
        )
        self._log.append(end)
        with self._engine.begin() as connection:
            connection.execute(statements.insert_events(self.id, self._log))
            connection.execute(
                statements.end_run(
                    self.id, status=RunStatus.COMPLETED, end_seq=len(self._log), error=None, result=None
                )
            )
        self._streams.publish_event(self.id, end)

    def _publish(self, event_type: str, **fields: Any) -> None:
        event = self._next(event_type, **fields)
        self._log.append(event)
        self._streams.publish_event(self.id, event)

    def _next(self, event_type: str, **fields: Any) -> Event:
        return Event.create(Position(1, len(self._log) + 1), event_type, fields)


@contextmanager
def synthetic_runs(settings: Settings, count: int) -> Iterator[list[SyntheticRun]]:
    """So many running runs of the administrator."""
    engine = open_engine(settings.require_database_url(), pool_size=1)
    with open_redis(settings.require_redis_url()) as redis:
        streams = RedisStreamManager(redis, ttl_seconds=3600)
        user_id = ensure_administrator(engine)
        yield [SyntheticRun(engine, streams, user_id) for _ in range(count)]
    engine.dispose()


def speak(runs: list[SyntheticRun], events_per_second: float, seconds: float) -> None:
    """Let the runs take turns, so many events a second each, evenly spread; then end them all."""
    pause = 1 / (events_per_second * len(runs))
    due = time.monotonic()
    for number in range(int(seconds / pause)):
        time.sleep(max(0.0, due - time.monotonic()))
        runs[number % len(runs)].say()
        due += pause
    for run in runs:
        run.end()
