"""A run's log as a reader sees it: the hot copy where it reaches, the record where it does not."""

import logging
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from redis.exceptions import RedisError

from riverrun.streaming.commands import contiguous_after
from riverrun.streaming.cursor import START, Position
from riverrun.streaming.events import Event
from riverrun.streaming.redis_streaming import AsyncRedisStreamManager

PAGE_EVENTS = 256

logger = logging.getLogger(__name__)


class EventLogReader(Protocol):
    """The log of record. Bound to Postgres in main: streaming knows no tables."""

    async def read_after(self, run_id: UUID, position: Position, *, limit: int) -> list[Event]:
        """At most ``limit`` events after ``position``, in order."""
        ...

    async def tops(self, run_ids: Sequence[UUID]) -> dict[UUID, Position]:
        """The newest recorded position of each run."""
        ...


class RunLog:
    """Reads ranges so that none has a hole: from Redis, or from the record when Redis lost something."""

    def __init__(self, streams: AsyncRedisStreamManager, record: EventLogReader) -> None:
        self._streams = streams
        self._record = record

    async def read_after(
        self, run_id: UUID, position: Position, *, known_top: Position = START
    ) -> list[Event]:
        """The next page after ``position``; empty means that the reader is level with what there is.

        ``known_top`` is a position that is known to exist: a Redis that ends before it has lost what follows.

        Raises:
            Exception: the record's driver error when neither copy can be read.
        """
        try:
            events, top = await self._streams.read_after(run_id, position, limit=PAGE_EVENTS)
        except (RedisError, OSError) as error:
            logger.warning("streams unreachable, reading run %s from the record: %s", run_id, error)
            events, top = [], None
        if contiguous_after(position, events):
            return events
        if top == position and known_top <= position:
            return []
        recorded = await self._record.read_after(run_id, position, limit=PAGE_EVENTS)
        return recorded if contiguous_after(position, recorded) else []

    async def tops(self, run_ids: Sequence[UUID]) -> dict[UUID, Position]:
        """The newest position that either copy knows of, for each run that has one."""
        newest: dict[UUID, Position] = {}
        for copy in (self._streams, self._record):
            try:
                tops = await copy.tops(run_ids)
            except Exception as error:
                logger.warning("watchdog cannot ask %s: %s", type(copy).__name__, error)
                continue
            for run_id, top in tops.items():
                newest[run_id] = max(top, newest.get(run_id, top))
        return newest
