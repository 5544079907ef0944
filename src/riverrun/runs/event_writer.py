"""A worker's pen: gives ids, appends to Redis at once, and to Postgres in batches."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from redis.exceptions import RedisError
from sqlalchemy import Connection

from riverrun.runs import statements
from riverrun.streaming.commands import AppendOutcome
from riverrun.streaming.cursor import Position
from riverrun.streaming.errors import Fenced
from riverrun.streaming.events import Event
from riverrun.streaming.rare_paths import RarePath, note
from riverrun.streaming.redis_streaming import RedisStreamManager

REDIS_PAUSE_SECONDS = 1.0
FIRST_WORD = Position(1, 2)
"""The first attempt's, after ``queued``."""

logger = logging.getLogger(__name__)


class EventWriter:
    """Writes one attempt's events. Thread-safe; ids leave in order.

    Redis may be away: events then wait in the log, readers follow the record, and the first append that gets through
    meets a hole and fills it from here. Redis may also tell of a same attempt that the record forgot, as a standby took its
    place or a backup was put back: that is dropped for what is said here. ``on_stopping`` is called when an append comes
    back with the word that a stop is asked for, sooner than the next look at the record.
    """

    def __init__(
        self,
        run_id: UUID,
        attempt: int,
        log: list[Event],
        streams: RedisStreamManager,
        *,
        on_stopping: Callable[[], object],
    ) -> None:
        self._run_id = run_id
        self._attempt = attempt
        self._log = log
        self._kept = len(log)
        self._streams = streams
        self._unsaved: list[Event] = []
        self._lock = threading.RLock()
        self._unsaved_lock = (
            threading.Lock()
        )  # its own: saving must not wait while a silent Redis is published to
        self._redis_away_until = 0.0
        self._is_redis_behind = False
        self._has_published = False
        self._on_stopping = on_stopping

    @property
    def top(self) -> Position:
        """The newest event's position."""
        return self._log[-1].position

    @property
    def unsaved(self) -> int:
        """How many events Postgres does not have yet."""
        return len(self._unsaved)

    def append(self, event_type: str, fields: dict[str, Any]) -> Event:
        """Say something.

        Raises:
            Fenced: a newer attempt owns the run.
        """
        with self._lock:
            event = self.next_event(event_type, fields)
            self._log.append(event)
            with self._unsaved_lock:
                self._unsaved.append(event)
            self._publish(event)
        return event

    def next_event(self, event_type: str, fields: dict[str, Any]) -> Event:
        """The event that would come next, not yet said."""
        return Event.create(Position(self._attempt, self.top.seq + 1), event_type, fields)

    def save(self, connection: Connection) -> int:
        """Record what is unsaved, in the caller's transaction, whose lock on the run row is the fence.

        Returns how many were written; call ``forget_saved`` with it once the transaction is committed.
        """
        with self._unsaved_lock:
            batch = list(self._unsaved)
        if batch:
            connection.execute(statements.RECORD_EVENTS, statements.event_columns(self._run_id, batch))
        return len(batch)

    def forget_saved(self, count: int) -> None:
        """The first ``count`` unsaved events are committed."""
        with self._unsaved_lock:
            del self._unsaved[:count]

    def publish_end(self, end: Event) -> None:
        """Push the committed end; readers of a Redis that is away find it in the record."""
        with self._lock:
            self._log.append(end)
            self._redis_away_until = 0.0
            self._publish(end)

    def catch_up(self) -> None:
        """Give a Redis that came back what it missed, without waiting for the next event."""
        with self._lock:
            if self._is_redis_behind:
                self._publish(self._log[-1])

    def _publish(self, event: Event) -> None:
        if time.monotonic() < self._redis_away_until:
            return
        try:
            outcome = self._hand_to_redis(event)
        except (RedisError, OSError) as error:
            logger.warning("run %s: Redis is away, readers follow the record: %s", self._run_id, error)
            self._redis_away_until = time.monotonic() + REDIS_PAUSE_SECONDS
            self._is_redis_behind = True
            return
        self._is_redis_behind = False
        self._has_published = True
        if outcome is AppendOutcome.STOPPING:
            self._on_stopping()
        if outcome is AppendOutcome.FENCED:
            raise Fenced(f"run {self._run_id}: attempt {self._attempt} was taken over")

    def _hand_to_redis(self, event: Event) -> AppendOutcome:
        """The event alone, or the whole log where something before it is missing, or may be."""
        if not self._has_published:
            return self._begin(event)
        outcome = self._streams.publish_event(self._run_id, event)
        if outcome is AppendOutcome.HOLE:
            note(RarePath.HOLE, self._run_id)
            outcome = self._hand_over_log()[-1]
        return outcome

    def _begin(self, event: Event) -> AppendOutcome:
        """What is known of this attempt before it was heard is another's, or our own whose answer was lost: either way
        Redis gets the log anew.
        """
        if event.position == FIRST_WORD:
            outcome = self._streams.publish_event(self._run_id, event)
            if outcome not in (AppendOutcome.HOLE, AppendOutcome.KNOWN):
                return outcome
        # an attempt that only the record has leaves no hole that the script could see at a take-over
        outcomes = self._hand_over_log()
        if AppendOutcome.KNOWN in outcomes[self._kept :]:
            logger.warning(
                "run %s: Redis has an attempt %s that is not this one", self._run_id, self._attempt
            )
            self._streams.start_over(self._run_id)
            outcomes = self._hand_over_log()
        return outcomes[-1]

    def _hand_over_log(self) -> list[AppendOutcome]:
        return self._streams.publish_events(self._run_id, self._log)
