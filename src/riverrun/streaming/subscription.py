"""One reader's place in one run: bounded, exact, never in anyone's way."""

import asyncio
import logging
from collections.abc import Callable
from uuid import UUID

from riverrun.streaming.cursor import START, Position
from riverrun.streaming.events import Event
from riverrun.streaming.rare_paths import RarePath, note
from riverrun.streaming.resets import read_reset
from riverrun.streaming.run_log import RunLog

MAX_BUFFERED_EVENTS = 256
MAX_BUFFERED_BYTES = 256 * 1024

logger = logging.getLogger(__name__)


class Subscription:
    """Gives events in order, each once: pages of the log until level, then live frames as they are pushed.

    The hub calls ``offer``, ``start_over``, ``nudge``, ``beat`` and ``leave``; none of them waits. The reader awaits ``next_events``.
    One that follows many runs takes what each has instead; ``on_wake`` tells it that one ``is_awake``.
    There may be tens of thousands of them: an empty deque alone is 760 bytes.
    """

    __slots__ = (
        "_beats",
        "_is_behind",
        "_is_unreadable",
        "_known_top",
        "_live",
        "_live_bytes",
        "_log",
        "_loop",
        "_must_start_over",
        "_on_wake",
        "_waiter",
        "is_awake",
        "is_closed",
        "is_leaving",
        "position",
        "run_id",
    )

    def __init__(
        self, run_id: UUID, position: Position, log: RunLog, *, on_wake: Callable[[], None] | None = None
    ) -> None:
        self.run_id = run_id
        self.position = position
        self.is_leaving = False
        self.is_closed = False
        self.is_awake = True
        """Whether ``take``, ``take_beat`` or ``is_leaving`` may have something to tell."""
        self._log = log
        self._loop = asyncio.get_running_loop()  # once: each such call asks the system for the process' id
        self._live: list[Event] = []
        self._live_bytes = 0
        self._is_behind = True
        self._must_start_over = False
        self._known_top = position
        self._is_unreadable = False
        self._beats = False
        self._waiter: asyncio.Future[None] | None = None
        self._on_wake = on_wake

    def offer(self, event: Event) -> None:
        """Take a live frame, or note that the log must be read when the reader is too slow for pushing."""
        if len(self._live) >= MAX_BUFFERED_EVENTS or self._live_bytes + len(event.data) > MAX_BUFFERED_BYTES:
            note(RarePath.OVERFLOW, self.run_id)
            self._forget_live()
            self._is_behind = True
        else:
            self._live.append(event)
            self._live_bytes += len(event.data)
        self._wake_up()

    def start_over(self) -> None:
        """What was given is not what the run has said: a ``reset`` is next, and replaces it."""
        self._forget_live()
        self._must_start_over = self._is_behind = True
        self._known_top = START
        self._wake_up()

    def nudge(self, known_top: Position = START) -> None:
        """Something may have been missed, maybe up to ``known_top``: read the log before going on."""
        self._known_top = max(self._known_top, known_top)
        self._is_behind = True
        self._wake_up()

    def beat(self) -> None:
        """Let the reader show its client that the line is alive."""
        self._beats = True
        self._wake_up()

    def leave(self) -> None:
        """The server is going away: the reader tells its client to reconnect."""
        self.is_leaving = True
        self._wake_up()

    def close(self) -> None:
        """The client is gone."""
        self.is_closed = True
        self._forget_live()
        self._wake_up()

    async def next_events(self) -> list[Event]:
        """The next events in order, at least one; empty on a heartbeat, on leaving, and when closed."""
        while not (self.is_closed or self.is_leaving):
            if events := await self._take_logged() if self._is_behind else self._take_pushed():
                return events
            if self.take_beat():
                return []
            if not self.is_awake:
                self._waiter = self._loop.create_future()
                await self._waiter
        return []

    async def take(self) -> list[Event]:
        """What there is now, in order, maybe nothing. Still awake afterwards if there may be more."""
        return await self._take_logged() if self._is_behind else self._take_pushed()

    async def _take_logged(self) -> list[Event]:
        self.is_awake = False
        events = await self._read_log()
        if events:
            self.position = events[-1].position
        if (self._is_behind or self._live) and not self._is_unreadable:
            self._wake_up()
        return events

    def _take_pushed(self) -> list[Event]:
        self.is_awake = False
        events = self._take_live()
        if events:
            self.position = events[-1].position
        if self._is_behind:
            self._wake_up()
        return events

    def take_beat(self) -> bool:
        """Whether a heartbeat is due; it is not any more then."""
        beats, self._beats = self._beats, False
        return beats

    def _wake_up(self) -> None:
        self.is_awake = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        if self._on_wake is not None:
            self._on_wake()

    async def _read_log(self) -> list[Event]:
        self._is_unreadable = False
        self._is_behind = False  # before the read: a nudge or an overflow meanwhile must be seen after it
        try:
            if self._must_start_over:
                return [await self._read_reset()]
            page = await self._log.next_page(self.run_id, self.position, known_top=self._known_top)
        except Exception as error:
            logger.warning("run %s cannot be read now, waiting: %s", self.run_id, error)
            self._is_unreadable = self._is_behind = True
            return []
        if page.events:
            self._is_behind |= not page.is_last
            return page.events
        return [] if self._is_behind else self._take_what_continues(after_reading=True)

    async def _read_reset(self) -> Event:
        self._must_start_over = False  # before the read: another word of it meanwhile must be seen after it
        self._is_behind = True  # what follows the reset is to be read
        try:
            return await read_reset(self.run_id, self._log)
        except Exception:
            self._must_start_over = True
            raise

    def _take_live(self) -> list[Event]:
        """Drain what was pushed: all of it in the usual case, in which all goes on from here."""
        position = self.position
        for event in self._live:
            if not event.continues(position):
                return self._take_what_continues()
            position = event.position
        taken, self._live, self._live_bytes = self._live, [], 0
        return taken

    def _take_what_continues(self, *, after_reading: bool = False) -> list[Event]:
        """A hole sends the reader to the log, once: what the log lacks too is not waited for."""
        taken: list[Event] = []
        position, seen = self.position, 0
        for event in self._live:
            if event.continues(position):
                taken.append(event)
                position = event.position
            elif event.position > position and not (after_reading and not taken):
                note(RarePath.GAP, self.run_id)
                self._is_behind = True
                break
            seen += 1
        self._live_bytes -= sum(len(event.data) for event in self._live[:seen])
        del self._live[:seen]
        return taken

    def _forget_live(self) -> None:
        self._live.clear()
        self._live_bytes = 0
