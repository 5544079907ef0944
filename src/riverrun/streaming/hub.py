"""StreamHub: one connection to Redis a process, any number of readers, none of which can hold another up."""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from uuid import UUID

from riverrun.kit.background import run_beside
from riverrun.kit.outage_log import OutageLog
from riverrun.streaming.commands import START_OVER, decode_frame, live_channel
from riverrun.streaming.cursor import START, Position
from riverrun.streaming.events import Event
from riverrun.streaming.rare_paths import RarePath, note
from riverrun.streaming.run_log import RunLog
from riverrun.streaming.stream_metrics import StreamMetrics
from riverrun.streaming.subscriber import Address, ChannelSubscriber
from riverrun.streaming.subscription import Subscription

WATCH_SECONDS = 2.0
WATCHED_AT_ONCE = 100
"""So many tops are asked for at a time: thousands in one go would hold the loop."""
TURNS = 20
"""Watching and beating take the runs in so many parts a period: all at once would be late for those that speak."""
RECONNECT_SECONDS = 0.2
"""The least time between two connections: a line that held for longer is replaced at once."""

logger = logging.getLogger(__name__)


class _Topic:
    """A run with readers, or one that lost its last reader since the watchdog's last look."""

    __slots__ = ("readers", "run_id", "was_heard")

    def __init__(self, run_id: UUID) -> None:
        self.run_id = run_id
        self.readers: set[Subscription] = set()
        self.was_heard = False


class StreamHub:
    """Pushes each frame to the readers of its run, and sees to it that a lost frame is noticed.

    A reader reads the log first. When the channel is confirmed after that, it reads once more: what was appended
    in between is in the log, what comes later is pushed. So there is no moment in which an event can slip by.
    """

    def __init__(
        self, redis_url: str, log: RunLog, *, heartbeat_seconds: float, metrics: StreamMetrics | None = None
    ) -> None:
        self.metrics = metrics or StreamMetrics()
        self._address = Address.of_url(redis_url)
        self._log = log
        self._heartbeat_seconds = heartbeat_seconds
        self._topics: dict[bytes, _Topic] = {}
        self._turns: list[set[_Topic]] = [set() for _ in range(TURNS)]
        self._subscriber: ChannelSubscriber | None = None
        self._lost = asyncio.Event()
        self._outages = OutageLog(logger, "live channel up again")
        self._is_draining = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["StreamHub"]:
        """Keep the connection, the watchdog and the heartbeat going."""
        async with run_beside(self._keep_connected, self._watch, self._beat):
            try:
                yield self
            finally:
                self.drain()
                if self._subscriber is not None:
                    self._subscriber.abort()

    @property
    def readers(self) -> int:
        """How many streams are open."""
        return sum(len(topic.readers) for topic in self._topics.values())

    @contextlib.contextmanager
    def attach(
        self,
        run_id: UUID,
        position: Position = START,
        *,
        known_top: Position = START,
        on_wake: Callable[[], None] | None = None,
    ) -> Iterator[Subscription]:
        """A reader of ``run_id`` that has everything up to ``position``; leaving the context frees it at once.

        ``known_top`` is where the run has come to in the record, if that is known: a Redis that ends before it is not asked.
        """
        topic = self._topic(run_id)
        subscription = Subscription(run_id, position, self._log, on_wake=on_wake)
        subscription.nudge(known_top)
        topic.readers.add(subscription)
        self.metrics.readers += 1
        if self._is_draining:
            subscription.leave()
        try:
            yield subscription
        finally:
            topic.readers.discard(subscription)
            self.metrics.readers -= 1
            subscription.close()

    async def wait_for_end(
        self, run_id: UUID, *, known_top: Position = START, timeout_seconds: float | None = None
    ) -> Event | None:
        """The run's ``end`` as soon as it is there; none when the time is over or the server leaves."""
        with contextlib.suppress(TimeoutError), self.attach(run_id, known_top=known_top) as subscription:
            async with asyncio.timeout(timeout_seconds):
                while not subscription.is_leaving:
                    for event in await subscription.next_events():
                        if event.is_end:
                            return event
        return None

    def drain(self) -> None:
        """Send every reader away with its position; later readers are sent away at once."""
        self._is_draining = True
        for topic in self._topics.values():
            for reader in topic.readers:
                reader.leave()

    def _topic(self, run_id: UUID) -> _Topic:
        channel = live_channel(run_id)
        topic = self._topics.get(channel.encode())
        if topic is None:
            topic = self._topics[channel.encode()] = _Topic(run_id)
            self._turn_of(topic).add(topic)
            self.metrics.runs += 1
            if self._subscriber is not None:
                self._subscriber.subscribe([channel])
        return topic

    def _turn_of(self, topic: _Topic) -> set[_Topic]:
        return self._turns[hash(topic.run_id) % TURNS]

    def _deliver(self, channel: bytes, frame: bytes) -> None:
        topic = self._topics.get(channel)
        if topic is None or not topic.readers:
            return
        topic.was_heard = True
        self.metrics.frames += 1
        if frame == START_OVER:
            for reader in topic.readers:
                reader.start_over()
            return
        event = decode_frame(frame)
        for reader in topic.readers:
            reader.offer(event)

    def _confirm(self, channel: bytes) -> None:
        topic = self._topics.get(channel)
        if topic is not None:
            for reader in topic.readers:
                reader.nudge()

    async def _keep_connected(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            self._lost.clear()
            subscriber = ChannelSubscriber(
                on_message=self._deliver, on_subscribed=self._confirm, on_lost=self._lost.set
            )
            try:
                await subscriber.connect(self._address)
            except OSError as error:
                self._outages.failed("live channel down, readers follow the record", error)
            else:
                self._outages.worked()
                self._subscriber = subscriber
                self.metrics.is_connected = True
                subscriber.subscribe(channel.decode() for channel in self._topics)
                await self._lost.wait()
                self._subscriber = None
                self.metrics.is_connected = False
            await asyncio.sleep(max(0.0, began + RECONNECT_SECONDS - loop.time()))

    async def _watch(self) -> None:
        """Compare tops of silent runs, so that a lost last frame leaves nobody hanging; forget deserted topics."""
        for turn in itertools.cycle(self._turns):
            await asyncio.sleep(WATCH_SECONDS / TURNS)
            if turn is self._turns[0]:
                self._forget_deserted()
                if self._subscriber is not None:
                    self._subscriber.ping()
            silent = [topic for topic in turn if not topic.was_heard]
            for topic in turn:
                topic.was_heard = False
            for start in range(0, len(silent), WATCHED_AT_ONCE):
                await self._catch_up(silent[start : start + WATCHED_AT_ONCE])

    async def _catch_up(self, topics: list[_Topic]) -> None:
        tops = await self._log.tops([topic.run_id for topic in topics])
        for topic in topics:
            top = tops.get(topic.run_id, START)
            behind = [reader for reader in topic.readers if reader.position < top]
            if behind:
                note(RarePath.WATCHDOG, topic.run_id)
            for reader in behind:
                reader.nudge(top)

    def _forget_deserted(self) -> None:
        deserted = [channel for channel, topic in self._topics.items() if not topic.readers]
        for channel in deserted:
            topic = self._topics.pop(channel)
            self._turn_of(topic).discard(topic)
            self.metrics.runs -= 1
        if self._subscriber is not None:
            self._subscriber.unsubscribe(channel.decode() for channel in deserted)

    async def _beat(self) -> None:
        """Every run's readers once a period."""
        for turn in itertools.cycle(self._turns):
            await asyncio.sleep(self._heartbeat_seconds / TURNS)
            for topic in turn:
                for reader in topic.readers:
                    reader.beat()
