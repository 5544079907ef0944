"""The hot copy of runs in Redis, for workers (sync) and for the API (async).

All of it may be lost at any time: the log and the rows in Postgres are the truth. Every key has a time to live.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from riverrun.infra.redis_clients import AsyncRedis, SyncRedis
from riverrun.streaming.commands import (
    APPEND_SCRIPT,
    PAGE_EVENTS,
    SET_STATUS_SCRIPT,
    START_OVER,
    TOPS_SCRIPT,
    AppendOutcome,
    Place,
    Stretch,
    TaskState,
    after,
    append_arguments,
    append_keys,
    cancellation_key,
    decode_entries,
    decode_page,
    decode_position,
    decode_state,
    decode_stretch,
    decode_text,
    has_started,
    live_channel,
    session_keys,
    status_key,
    stream_key,
    task_key,
)
from riverrun.streaming.cursor import START, Position
from riverrun.streaming.events import Event
from riverrun.streaming.snapshot import LogFold, PlacedSnapshot

BLOCK_MS = 5_000
START_PAUSE_SECONDS = 0.05


class RedisStreamManager:
    """A worker's hand on the streams, and that of ``redis_stream_generator``.

    ``blocking_client`` is for reads that wait (``open_blocking_redis``): no other client may be that patient.
    """

    def __init__(
        self, client: SyncRedis, *, ttl_seconds: int, blocking_client: SyncRedis | None = None
    ) -> None:
        self._client = client
        self._blocking_client = blocking_client
        self._append = client.register_script(APPEND_SCRIPT)
        self._set_status = client.register_script(SET_STATUS_SCRIPT)
        self._ttl_seconds = ttl_seconds

    def get_task_status(self, run_id: UUID) -> str | None:
        """The task's status; none when it is not known here: ask the run's row."""
        return decode_text(self._client.get(status_key(run_id)))

    def set_task_status(self, run_id: UUID, status: str) -> bool:
        """Note the status; false when the task is that far already, which is then left so."""
        return bool(self._set_status(keys=[status_key(run_id)], args=[status, self._ttl_seconds]))

    def set_task_id(self, run_id: UUID, task_id: str) -> None:
        """Note which of Celery's tasks works on the run."""
        self._client.set(task_key(run_id), task_id, ex=self._ttl_seconds)

    def get_task_id(self, run_id: UUID) -> str | None:
        """Which of Celery's tasks works on the run; none before a worker took it."""
        return decode_text(self._client.get(task_key(run_id)))

    def publish_event(self, run_id: UUID, event: Event) -> AppendOutcome:
        """Append and push one event; the outcome says whether it went in."""
        arguments = append_arguments(run_id, event, self._ttl_seconds)
        return AppendOutcome(self._append(keys=append_keys(run_id), args=arguments).decode())

    def publish_events(self, run_id: UUID, events: Sequence[Event]) -> list[AppendOutcome]:
        """Append many in one round trip, in order; used to fill holes."""
        with self._client.pipeline(transaction=False) as pipeline:
            for event in events:
                arguments = append_arguments(run_id, event, self._ttl_seconds)
                self._append(keys=append_keys(run_id), args=arguments, client=pipeline)
            return [AppendOutcome(reply.decode()) for reply in pipeline.execute()]

    def set_cancellation(self, run_id: UUID) -> None:
        """Tell the worker with its next event that a stop was asked for; the intent is in the row already."""
        self._client.set(cancellation_key(run_id), "1", ex=self._ttl_seconds)

    def get_stream_snapshot(self, run_id: UUID) -> PlacedSnapshot | None:
        """What the run has said so far, and up to which event; none when Redis holds no stream of it."""
        fold = LogFold()
        while events := self._page_after(run_id, fold.position):
            fold.take(events)
        return fold.placed if fold.position > START else None

    def clear_session(self, run_id: UUID) -> None:
        """Forget all that Redis holds of the run; readers go on from the record."""
        self._client.unlink(*session_keys(run_id))

    def start_over(self, run_id: UUID) -> None:
        """Forget it because the run never said it: readers who are there begin anew with a ``reset``."""
        with self._client.pipeline() as pipeline:
            pipeline.unlink(*session_keys(run_id))
            pipeline.publish(live_channel(run_id), START_OVER)
            pipeline.execute()

    def wait_for_task_start(
        self, run_id: UUID, *, timeout_seconds: float, require_running: bool = True
    ) -> str | None:
        """The status once a worker has begun, or once it is known at all; none when the time is over."""
        deadline = time.monotonic() + timeout_seconds
        while not has_started(status := self.get_task_status(run_id), require_running=require_running):
            if time.monotonic() > deadline:
                return None
            self._await_entries(run_id, "$", round(START_PAUSE_SECONDS * 1_000))
        return status

    def consume_stream(self, run_id: UUID, position: Position) -> Iterator[list[Event]]:
        """Events after ``position`` as they come, in order, for ever; an empty list each five silent seconds.

        Raises:
            RedisError: the server is away. What it lost meanwhile is for the reader to notice.
        """
        while True:
            events = self._await_entries(run_id, str(position), BLOCK_MS)
            yield events
            if events:
                position = events[-1].position

    def _page_after(self, run_id: UUID, position: Position) -> list[Event]:
        entries = self._client.xrange(stream_key(run_id), after(position), count=PAGE_EVENTS)
        return decode_page(position, entries)

    def _await_entries(self, run_id: UUID, last_id: str, block_ms: int) -> list[Event]:
        if self._blocking_client is None:
            raise TypeError("waiting needs a blocking_client")
        replies: Any = self._blocking_client.xread({stream_key(run_id): last_id}, block=block_ms)
        return decode_entries(replies[0][1]) if replies else []


class AsyncRedisStreamManager:
    """The API's hand on the streams."""

    def __init__(self, client: AsyncRedis, *, ttl_seconds: int) -> None:
        self._client = client
        self._append = client.register_script(APPEND_SCRIPT)
        self._set_status = client.register_script(SET_STATUS_SCRIPT)
        self._tops = client.register_script(TOPS_SCRIPT)
        self._ttl_seconds = ttl_seconds

    async def get_task_status(self, run_id: UUID) -> str | None:
        """The task's status; none when it is not known here: ask the run's row."""
        return decode_text(await self._client.get(status_key(run_id)))

    async def set_task_status(self, run_id: UUID, status: str) -> bool:
        """Note the status; false when the task is that far already, which is then left so."""
        return bool(await self._set_status(keys=[status_key(run_id)], args=[status, self._ttl_seconds]))

    async def set_task_id(self, run_id: UUID, task_id: str) -> None:
        """Note which of Celery's tasks works on the run."""
        await self._client.set(task_key(run_id), task_id, ex=self._ttl_seconds)

    async def get_task_id(self, run_id: UUID) -> str | None:
        """Which of Celery's tasks works on the run; none before a worker took it."""
        return decode_text(await self._client.get(task_key(run_id)))

    async def get_task_state(self, run_id: UUID) -> TaskState:
        """Status, task, newest position and when that came, in one round trip."""
        async with self._client.pipeline(transaction=False) as pipeline:
            pipeline.get(status_key(run_id))
            pipeline.get(task_key(run_id))
            pipeline.xrevrange(stream_key(run_id), "+", "-", count=1)
            return decode_state(*await pipeline.execute())

    async def publish_event(self, run_id: UUID, event: Event) -> AppendOutcome:
        """Append and push one event; the outcome says whether it went in."""
        arguments = append_arguments(run_id, event, self._ttl_seconds)
        return AppendOutcome((await self._append(keys=append_keys(run_id), args=arguments)).decode())

    async def publish_events(self, run_id: UUID, events: Sequence[Event]) -> list[AppendOutcome]:
        """Append many in one round trip, in order; used to fill holes."""
        async with self._client.pipeline(transaction=False) as pipeline:
            for event in events:
                arguments = append_arguments(run_id, event, self._ttl_seconds)
                await self._append(keys=append_keys(run_id), args=arguments, client=pipeline)
            return [AppendOutcome(reply.decode()) for reply in await pipeline.execute()]

    async def set_cancellation(self, run_id: UUID) -> None:
        """Tell the worker with its next event that a stop was asked for; the intent is in the row already."""
        await self._client.set(cancellation_key(run_id), "1", ex=self._ttl_seconds)

    async def get_stream_snapshot(self, run_id: UUID) -> PlacedSnapshot | None:
        """What the run has said so far, and up to which event; none when Redis holds no stream of it."""
        fold = LogFold()
        while events := await self._page_after(run_id, fold.position):
            fold.take(events)
        return fold.placed if fold.position > START else None

    async def clear_session(self, run_id: UUID) -> None:
        """Forget all that Redis holds of the run; readers go on from the record."""
        await self._client.unlink(*session_keys(run_id))

    async def start_over(self, run_id: UUID) -> None:
        """Forget it because the run never said it: readers who are there begin anew with a ``reset``."""
        async with self._client.pipeline() as pipeline:
            pipeline.unlink(*session_keys(run_id))
            pipeline.publish(live_channel(run_id), START_OVER)
            await pipeline.execute()

    async def wait_for_task_start(
        self, run_id: UUID, *, timeout_seconds: float, require_running: bool = True
    ) -> str | None:
        """The status once a worker has begun, or once it is known at all; none when the time is over."""
        deadline = time.monotonic() + timeout_seconds
        while not has_started(status := await self.get_task_status(run_id), require_running=require_running):
            if time.monotonic() > deadline:
                return None
            await asyncio.sleep(START_PAUSE_SECONDS)
        return status

    async def read_stretches(self, places: Sequence[Place], *, limit: int) -> list[Stretch]:
        """Of each place at most ``limit`` entries from it on, itself included, in one round trip."""
        async with self._client.pipeline(transaction=False) as pipeline:
            for run_id, position in places:
                pipeline.xrange(stream_key(run_id), str(position), "+", count=limit)
            replies = await pipeline.execute()
        return [
            decode_stretch(place.position, entries, limit=limit)
            for place, entries in zip(places, replies, strict=True)
        ]

    async def has(self, run_id: UUID, position: Position) -> bool:
        """Whether the stream holds an event at exactly this position."""
        return bool(await self._client.xrange(stream_key(run_id), str(position), str(position), count=1))

    async def tops(self, run_ids: Sequence[UUID]) -> dict[UUID, Position]:
        """The newest position of each run that has a stream, in one round trip."""
        tops = await self._tops(keys=[stream_key(run_id) for run_id in run_ids])
        return {run_id: decode_position(top) for run_id, top in zip(run_ids, tops, strict=True) if top}

    async def _page_after(self, run_id: UUID, position: Position) -> list[Event]:
        entries = await self._client.xrange(stream_key(run_id), after(position), count=PAGE_EVENTS)
        return decode_page(position, entries)
