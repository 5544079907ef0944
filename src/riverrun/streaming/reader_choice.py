"""How this process reads streams for its clients: by the hub, or as the plan does, on the thread pool."""

import contextlib
from collections.abc import Iterator
from typing import Protocol
from uuid import UUID

from starlette.responses import Response

from riverrun.infra.redis_clients import open_blocking_redis, open_redis
from riverrun.infra.settings import Settings
from riverrun.streaming.cursor import START, Position
from riverrun.streaming.events import Event
from riverrun.streaming.generator import ThreadpoolReader
from riverrun.streaming.hub import StreamHub
from riverrun.streaming.permits import Permit
from riverrun.streaming.redis_streaming import RedisStreamManager
from riverrun.streaming.run_log import RunLog
from riverrun.streaming.stream_endpoint import EventStream

MOST_WAITING = 64
"""Connections for waiting reads; the thread pool has 40 threads."""


class StreamReader(Protocol):
    """Opens runs' streams, byte for byte the same whichever it is."""

    async def open(
        self,
        run_id: UUID,
        position: Position,
        *,
        permit: Permit,
        headers: dict[str, str],
        reset: Event | None = None,
        known_top: Position = START,
    ) -> Response:
        """The run's events after ``position``, after ``reset`` if there is one, to its ``end`` or the permit's."""
        ...

    def drain(self) -> None:
        """Send every reader away with its position."""
        ...


class HubReader:
    """Opens streams at the hub: no thread, no connection."""

    def __init__(self, hub: StreamHub) -> None:
        self._hub = hub

    async def open(
        self,
        run_id: UUID,
        position: Position,
        *,
        permit: Permit,
        headers: dict[str, str],
        reset: Event | None = None,
        known_top: Position = START,
    ) -> Response:
        """The run's stream after ``position``."""
        return EventStream(
            self._hub,
            run_id,
            position,
            permit=permit,
            headers=headers,
            reset=reset,
            known_top=known_top,
        )

    def drain(self) -> None:
        """Nothing to do here: the hub sends its own readers away."""


@contextlib.contextmanager
def choose_reader(settings: Settings, hub: StreamHub, run_log: RunLog) -> Iterator[StreamReader]:
    """The reader that the settings name. ``threadpool`` opens the API's only sync client, and is the only one that does."""
    if settings.stream_reader == "hub":
        yield HubReader(hub)
        return
    url = settings.require_redis_url()
    with open_redis(url) as client, open_blocking_redis(url, max_connections=MOST_WAITING) as patient:
        streams = RedisStreamManager(client, ttl_seconds=settings.stream_ttl_seconds, blocking_client=patient)
        reader = ThreadpoolReader(streams, patient, run_log, heartbeat_seconds=settings.heartbeat_seconds)
        try:
            yield reader
        finally:
            reader.drain()
