"""Many runs over one connection: browsers allow six to a server, and a tab may follow more runs than that."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from uuid import UUID

import orjson

from riverrun.kit.problem import Problem
from riverrun.streaming.cursor import START, Position
from riverrun.streaming.events import Event
from riverrun.streaming.hub import StreamHub
from riverrun.streaming.permits import Permit
from riverrun.streaming.redaction import hide_sources
from riverrun.streaming.stream_endpoint import FrameReader, FrameStream
from riverrun.streaming.stream_metrics import MANY_RUNS, StreamMetrics
from riverrun.streaming.subscription import Subscription
from riverrun.streaming.wanted_runs import LEFT


class Seat:
    """One run's place in the stream, and where its reader stands.

    With a ``position`` the run is followed from there, after the ``reset`` if there is one. With a ``problem`` its
    reader is told that, and nothing else. With neither nothing is missing.
    """

    def __init__(
        self,
        run_id: UUID,
        where: str,
        *,
        position: Position | None = None,
        reset: Event | None = None,
        known_top: Position = START,
        problem: Problem | None = None,
    ) -> None:
        self.run_id = run_id
        self.where = where if position is None or reset is not None else str(position)
        self.position = position
        self.reset = reset
        self.known_top = known_top
        self.problem = problem

    @property
    def has_news(self) -> bool:
        """Whether anything is to be told of this run, now or later."""
        return self.position is not None or self.problem is not None


class MultiplexStream(FrameStream):
    """The runs of all seats, each to its ``end``; over with the last one."""

    def __init__(self, hub: StreamHub, seats: Sequence[Seat], permit: Permit) -> None:
        super().__init__(permit, headers={})
        self._hub = hub
        self._seats = seats

    @contextlib.contextmanager
    def attach(self) -> Iterator[FrameReader]:
        """A place at each run."""
        awake = asyncio.Event()
        with self._hub.metrics.open_stream(MANY_RUNS), contextlib.ExitStack() as stack:
            followed = [
                (seat, stack.enter_context(self._attach(seat, seat.position, awake)))
                for seat in self._seats
                if seat.position is not None
            ]
            yield MultiplexReader(self._seats, followed, self._permit, awake, self._hub.metrics)

    def _attach(
        self, seat: Seat, position: Position, awake: asyncio.Event
    ) -> AbstractContextManager[Subscription]:
        return self._hub.attach(seat.run_id, position, known_top=seat.known_top, on_wake=awake.set)


class MultiplexReader:
    """Takes what any of the runs has, and sleeps while none has. A slow log of one is read beside those of the others."""

    def __init__(
        self,
        seats: Sequence[Seat],
        followed: list[tuple[Seat, Subscription]],
        permit: Permit,
        awake: asyncio.Event,
        metrics: StreamMetrics,
    ) -> None:
        self.is_closed = False
        self._seats = seats
        self._followed = followed
        self._permit = permit
        self._awake = awake
        self._metrics = metrics
        self._has_opened = False

    @property
    def is_over(self) -> bool:
        return self._has_opened and not self._followed

    @property
    def is_leaving(self) -> bool:
        return any(subscription.is_leaving for _, subscription in self._followed)

    @property
    def where(self) -> str:
        """The positions of all seats, in their order."""
        return ",".join([seat.where for seat in self._seats])

    def close(self) -> None:
        self.is_closed = True
        self._awake.set()

    async def next_frames(self) -> bytes:
        if not self._has_opened:
            self._has_opened = True
            if opening := self._opening():
                return opening
        while not (self.is_closed or self.is_leaving):
            self._awake.clear()
            if frames := await self._take():
                return frames
            beats = [subscription.take_beat() for _, subscription in self._followed]
            if any(beats):
                return b""
            await self._awake.wait()
        return b""

    async def _take(self) -> bytes:
        """What the runs have now; those that reached their end are not asked again."""
        woken = [(seat, subscription) for seat, subscription in self._followed if subscription.is_awake]
        pages = await asyncio.gather(*[subscription.take() for _, subscription in woken])
        frames = b"".join(
            [
                self._event_frame(seat, event)
                for (seat, _), page in zip(woken, pages, strict=True)
                for event in page
            ]
        )
        ended = {
            seat.run_id for (seat, _), page in zip(woken, pages, strict=True) if page and page[-1].is_end
        }
        self._followed = [pair for pair in self._followed if pair[0].run_id not in ended]
        return frames

    def _opening(self) -> bytes:
        frames = []
        for seat in self._seats:
            if seat.reset is not None:
                frames.append(self._event_frame(seat, seat.reset))
            elif seat.problem is not None:
                seat.where = LEFT
                frames.append(self._frame(seat, "problem", orjson.dumps(seat.problem.document())))
        return b"".join(frames)

    def _event_frame(self, seat: Seat, event: Event) -> bytes:
        seat.where = str(event.position)
        self._metrics.events_sent += 1
        shown = hide_sources(event) if self._permit.hides_sources_of(seat.run_id) else event
        return self._frame(seat, shown.type, shown.data)

    def _frame(self, seat: Seat, event_type: str, data: bytes) -> bytes:
        """An object's bytes with ``run_id`` before its own members; the id is where the reader stands in every run."""
        return b'id: %s\nevent: %s\ndata: {"run_id":"%s",%s\n\n' % (
            self.where.encode(),
            event_type.encode(),
            str(seat.run_id).encode(),
            data[1:],
        )
