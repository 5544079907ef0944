"""A run's log as a reader sees it: the hot copy where it reaches, the record where it does not."""

import logging
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple, Protocol
from uuid import UUID

from redis.exceptions import RedisError

from riverrun.streaming.commands import Place, Stretch, contiguous_after
from riverrun.streaming.cursor import START, Position
from riverrun.streaming.events import Event
from riverrun.streaming.gathered_reads import GatheredReads
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


class Page(NamedTuple):
    """Events in order, without a hole. Empty means that the reader is level with what there is."""

    events: list[Event]
    is_last: bool
    """Whether nothing followed when it was read: whoever hears the live channel needs no other page."""


LEVEL = Page([], is_last=True)
NOTHING = Stretch([], holds_place=False, reaches_top=False)


class RunLog:
    """Reads ranges so that none has a hole: from Redis, or from the record when Redis lost something."""

    def __init__(self, streams: AsyncRedisStreamManager, record: EventLogReader) -> None:
        self._streams = streams
        self._stretches = GatheredReads(partial(streams.read_stretches, limit=PAGE_EVENTS))
        self._record = record

    async def read_after(self, run_id: UUID, position: Position) -> list[Event]:
        """The events of the next page; none when there are no more."""
        return (await self.next_page(run_id, position)).events

    async def next_page(self, run_id: UUID, position: Position, *, known_top: Position = START) -> Page:
        """The next page after ``position``.

        ``known_top`` is a position that is known to exist: a Redis that ends before it has lost what follows.

        Raises:
            Exception: the record's driver error when neither copy can be read.
        """
        try:
            stretch = await self._stretches.read_after(Place(run_id, position))
        except (RedisError, OSError) as error:
            logger.warning("streams unreachable, reading run %s from the record: %s", run_id, error)
            stretch = NOTHING
        events = stretch.events
        if contiguous_after(position, events):
            return Page(events, is_last=stretch.reaches_top and known_top <= events[-1].position)
        if stretch.holds_place and not events and known_top <= position:
            return LEVEL
        recorded = await self._record.read_after(run_id, position, limit=PAGE_EVENTS)
        return Page(recorded, is_last=False) if contiguous_after(position, recorded) else LEVEL

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
