"""The hot copy of runs in Redis, written by workers (sync) and by the API (async)."""

from collections.abc import Sequence
from uuid import UUID

from riverrun.infra.redis_clients import AsyncRedis, SyncRedis
from riverrun.streaming.commands import (
    APPEND_SCRIPT,
    AppendOutcome,
    append_arguments,
    decode_entries,
    decode_position,
    exclusive,
    stream_key,
)
from riverrun.streaming.cursor import Position
from riverrun.streaming.events import Event


class RedisStreamManager:
    """A worker's hand on the streams."""

    def __init__(self, client: SyncRedis, *, ttl_seconds: int) -> None:
        self._client = client
        self._append = client.register_script(APPEND_SCRIPT)
        self._ttl_seconds = ttl_seconds

    def publish_event(self, run_id: UUID, event: Event) -> AppendOutcome:
        """Append and push one event; the outcome says whether it went in."""
        arguments = append_arguments(run_id, event, self._ttl_seconds)
        return AppendOutcome(self._append(keys=[stream_key(run_id)], args=arguments).decode())

    def publish_events(self, run_id: UUID, events: Sequence[Event]) -> list[AppendOutcome]:
        """Append many in one round trip, in order; used to fill holes."""
        with self._client.pipeline(transaction=False) as pipeline:
            for event in events:
                arguments = append_arguments(run_id, event, self._ttl_seconds)
                self._append(keys=[stream_key(run_id)], args=arguments, client=pipeline)
            return [AppendOutcome(reply.decode()) for reply in pipeline.execute()]


class AsyncRedisStreamManager:
    """The API's hand on the streams."""

    def __init__(self, client: AsyncRedis, *, ttl_seconds: int) -> None:
        self._client = client
        self._append = client.register_script(APPEND_SCRIPT)
        self._ttl_seconds = ttl_seconds

    async def publish_event(self, run_id: UUID, event: Event) -> AppendOutcome:
        """Append and push one event; the outcome says whether it went in."""
        arguments = append_arguments(run_id, event, self._ttl_seconds)
        return AppendOutcome((await self._append(keys=[stream_key(run_id)], args=arguments)).decode())

    async def publish_events(self, run_id: UUID, events: Sequence[Event]) -> list[AppendOutcome]:
        """Append many in one round trip, in order; used to fill holes."""
        async with self._client.pipeline(transaction=False) as pipeline:
            for event in events:
                arguments = append_arguments(run_id, event, self._ttl_seconds)
                await self._append(keys=[stream_key(run_id)], args=arguments, client=pipeline)
            return [AppendOutcome(reply.decode()) for reply in await pipeline.execute()]

    async def read_after(
        self, run_id: UUID, position: Position, *, limit: int
    ) -> tuple[list[Event], Position | None]:
        """At most ``limit`` events after ``position``, in order, and the stream's top (none: no stream)."""
        key = stream_key(run_id)
        async with self._client.pipeline(transaction=False) as pipeline:
            pipeline.xrange(key, exclusive(position), "+", count=limit)
            pipeline.xrevrange(key, "+", "-", count=1)
            entries, top = await pipeline.execute()
        return decode_entries(entries), decode_position(top[0][0]) if top else None

    async def has(self, run_id: UUID, position: Position) -> bool:
        """Whether the stream holds an event at exactly this position."""
        return bool(await self._client.xrange(stream_key(run_id), str(position), str(position), count=1))

    async def tops(self, run_ids: Sequence[UUID]) -> dict[UUID, Position]:
        """The newest position of each run that has a stream, in one round trip."""
        async with self._client.pipeline(transaction=False) as pipeline:
            for run_id in run_ids:
                pipeline.xrevrange(stream_key(run_id), "+", "-", count=1)
            replies = await pipeline.execute()
        return {
            run_id: decode_position(reply[0][0])
            for run_id, reply in zip(run_ids, replies, strict=True)
            if reply
        }
