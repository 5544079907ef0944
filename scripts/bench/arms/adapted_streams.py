"""Runs' streams read by ``consume_stream``, each wait of which goes the arm's way."""

import contextlib
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from bench.arms.ways import Way
from riverrun.infra.redis_clients import open_blocking_redis, open_redis
from riverrun.infra.settings import Settings
from riverrun.streaming.cursor import Position
from riverrun.streaming.permits import Permit
from riverrun.streaming.redis_streaming import RedisStreamManager
from riverrun.streaming.stream_endpoint import FrameReader, FrameStream

MOST_CONNECTIONS = 10_000


@contextlib.contextmanager
def adapted_reader(settings: Settings, way: Way) -> Iterator["ConsumingReader"]:
    """In place of the product's choice of a reader."""
    url = settings.require_redis_url()
    with open_redis(url) as client, open_blocking_redis(url, max_connections=MOST_CONNECTIONS) as patient:
        streams = RedisStreamManager(client, ttl_seconds=settings.stream_ttl_seconds, blocking_client=patient)
        yield ConsumingReader(streams, way)
        patient.connection_pool.disconnect()


class ConsumingReader:
    """Opens streams; each waits for its events by itself."""

    def __init__(self, streams: RedisStreamManager, way: Way) -> None:
        self._streams = streams
        self._way = way

    async def open(
        self, run_id: UUID, position: Position, *, permit: Permit, headers: dict[str, str], **_: Any
    ) -> FrameStream:
        """The run's stream after ``position``."""
        return ConsumedStream(ConsumedFrames(self._streams, run_id, position, self._way), permit, headers)

    def drain(self) -> None:
        """Whoever waits is not disturbed: the server's own patience ends it."""


class ConsumedStream(FrameStream):
    """One run, followed to its ``end``: the same head and the same frames as the product's."""

    def __init__(self, frames: "ConsumedFrames", permit: Permit, headers: dict[str, str]) -> None:
        super().__init__(permit, headers=headers)
        self._consumed = frames

    @contextlib.contextmanager
    def attach(self) -> Iterator[FrameReader]:
        """The frames, while the stream is open."""
        yield self._consumed


class ConsumedFrames:
    """The frames of one run, read by a blocking XREAD of its own."""

    def __init__(self, streams: RedisStreamManager, run_id: UUID, position: Position, way: Way) -> None:
        self.is_over = False
        self.is_closed = False
        self.is_leaving = False
        self.where = str(position)
        self._events = streams.consume_stream(run_id, position)
        self._way = way

    async def next_frames(self) -> bytes:
        """The next frames; empty when five seconds were silent."""
        events = await self._way(next, self._events)
        self.is_over = bool(events) and events[-1].is_end
        return b"".join([event.sse for event in events])

    def close(self) -> None:
        """The client is gone; whoever waits in a thread notices after its five seconds."""
        self.is_closed = True
