"""A run's stream read by ``consume_stream``, each wait of which goes the arm's way."""

import contextlib
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from bench.arms.ways import Way
from riverrun.infra.redis_clients import open_blocking_redis, open_redis
from riverrun.infra.settings import Settings
from riverrun.streaming.cursor import Position
from riverrun.streaming.redis_streaming import RedisStreamManager
from riverrun.streaming.stream_endpoint import FrameReader, FrameStream

MOST_CONNECTIONS = 10_000


def stream_class(settings: Settings, way: Way) -> type[FrameStream]:
    """In place of ``EventStream``: the same head, the same frames, another way to wait for them."""
    url = settings.require_redis_url()
    blocking = open_blocking_redis(url, max_connections=MOST_CONNECTIONS)
    streams = RedisStreamManager(
        open_redis(url), ttl_seconds=settings.stream_ttl_seconds, blocking_client=blocking
    )

    class ConsumedStream(FrameStream):
        """One run, followed to its ``end``."""

        def __init__(
            self, _hub: object, run_id: UUID, position: Position, *, headers: dict[str, str], **_: Any
        ) -> None:
            super().__init__(headers=headers)
            self._run_id = run_id
            self._position = position

        @contextlib.contextmanager
        def attach(self) -> Iterator[FrameReader]:
            """A place at the run."""
            yield ConsumedReader(streams, self._run_id, self._position, way)

    return ConsumedStream


class ConsumedReader:
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
