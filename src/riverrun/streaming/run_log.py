"""A run's log as a reader sees it: the hot copy where it reaches, the record where it does not."""

import asyncio
import logging
import time
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple, Protocol
from uuid import UUID

from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from riverrun.streaming.commands import PAGE_EVENTS, Place, Stretch, contiguous_after
from riverrun.streaming.cursor import START, Position
from riverrun.streaming.events import Event
from riverrun.streaming.gathered_reads import GatheredReads
from riverrun.streaming.redis_streaming import AsyncRedisStreamManager

PATIENCE_SECONDS = 0.5
"""How long the watchdog, and a reader soon after a silence, wait for Redis before the record answers alone."""
ALONE_SECONDS = 1.0
"""How long the record then goes on alone before Redis is asked again."""
SILENCE = (TimeoutError, RedisTimeoutError)

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
    """Reads ranges so that none has a hole: from Redis, or from the record when Redis lost something.

    A Redis that was silent is left alone for a second, as if it were away: what only it has is read once it is recorded,
    or asked for again.
    """

    def __init__(self, streams: AsyncRedisStreamManager, record: EventLogReader) -> None:
        self._streams = streams
        self._stretches = GatheredReads(partial(streams.read_stretches, limit=PAGE_EVENTS))
        self._record = record
        self._alone_until = 0.0

    async def read_after(self, run_id: UUID, position: Position) -> list[Event]:
        """The events of the next page; none when there are no more."""
        return (await self.next_page(run_id, position)).events

    async def next_page(self, run_id: UUID, position: Position, *, known_top: Position = START) -> Page:
        """The next page after ``position``.

        ``known_top`` is a position that is known to exist: a Redis that ends before it has lost what follows.

        Raises:
            Exception: the record's driver error when neither copy can be read.
        """
        stretch = await self._hot_stretch(Place(run_id, position))
        events = stretch.events
        if contiguous_after(position, events):
            return Page(events, is_last=stretch.reaches_top and known_top <= events[-1].position)
        if stretch.holds_place and not events and known_top <= position:
            return LEVEL
        recorded = await self.read_recorded(run_id, position)
        return Page(recorded, is_last=False) if recorded else LEVEL

    async def read_recorded(self, run_id: UUID, position: Position) -> list[Event]:
        """As ``read_after``, from the record alone."""
        recorded = await self._record.read_after(run_id, position, limit=PAGE_EVENTS)
        return recorded if contiguous_after(position, recorded) else []

    async def tops(self, run_ids: Sequence[UUID]) -> dict[UUID, Position]:
        """The newest position that either copy knows of, for each run that has one; a copy that does not answer knows none."""
        newest = dict(await self._hot_tops(run_ids))
        for run_id, top in (await self._recorded_tops(run_ids)).items():
            newest[run_id] = max(top, newest.get(run_id, top))
        return newest

    async def _hot_stretch(self, place: Place) -> Stretch:
        if self._is_alone:
            return NOTHING
        # else the client's own patience counts: many thousand reads at once take their time, and are no silence
        patience_seconds = PATIENCE_SECONDS if self._alone_until else None
        try:
            async with asyncio.timeout(patience_seconds):
                stretch = await self._stretches.read_after(place)
        except (RedisError, OSError) as error:
            logger.warning("streams unreachable, reading run %s from the record: %s", place.run_id, error)
            self._heed(error)
            return NOTHING
        self._alone_until = 0.0
        return stretch

    async def _hot_tops(self, run_ids: Sequence[UUID]) -> dict[UUID, Position]:
        if self._is_alone:
            return {}
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                tops = await self._streams.tops(run_ids)
        except Exception as error:
            logger.warning("watchdog cannot ask Redis: %s", error)
            self._heed(error)
            return {}
        self._alone_until = 0.0
        return tops

    async def _recorded_tops(self, run_ids: Sequence[UUID]) -> dict[UUID, Position]:
        try:
            return await self._record.tops(run_ids)
        except Exception as error:
            logger.warning("watchdog cannot ask the record: %s", error)
            return {}

    @property
    def _is_alone(self) -> bool:
        return time.monotonic() < self._alone_until

    def _heed(self, error: Exception) -> None:
        """A silent Redis is not asked for a while; one that refuses costs no time."""
        if isinstance(error, SILENCE):
            self._alone_until = time.monotonic() + ALONE_SECONDS
