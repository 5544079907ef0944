"""An attempt: one worker's try at a run, from the claim to the end. Synchronous, as Celery is."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Self

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from riverrun.runs import statements
from riverrun.runs.errors import RunStopped
from riverrun.runs.event_writer import EventWriter
from riverrun.runs.lease import ClaimedRun
from riverrun.runs.models import RunStatus
from riverrun.streaming.errors import Fenced
from riverrun.streaming.events import Event, EventType
from riverrun.streaming.redis_streaming import RedisStreamManager
from riverrun.streaming.snapshot import Snapshot

BATCH_SECONDS = 0.25
BATCH_EVENTS = 64
END_RETRY_SECONDS = 1.0
END_PATIENCE_SECONDS = 600.0

Recorder = Callable[[Connection, "Attempt", RunStatus, dict[str, Any] | None], dict[str, Any] | None]
"""Writes what the run made, in the transaction of its end; returns the receipt's part of it."""

logger = logging.getLogger(__name__)


class Attempt:
    """Speaks for the run while its lease holds. As a context it keeps the lease, saves batches and sees the stop.

    A thread of its own does that, so a slow model is not a dead worker and a silent one can be stopped.
    """

    def __init__(
        self, run: ClaimedRun, engine: Engine, streams: RedisStreamManager, *, lease_seconds: float
    ) -> None:
        self.run = run
        self.snapshot = Snapshot.of(run.log)
        self._engine = engine
        self._writer = EventWriter(run.id, run.attempt, run.log, streams)
        self._lease_seconds = lease_seconds
        self._renew_at = time.monotonic() + lease_seconds / 3
        self._stop_requested = threading.Event()
        self._fenced = threading.Event()
        self._interrupt: Callable[[], object] | None = None
        self._kick = threading.Event()
        self._over = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name=f"keeper-{run.id}", daemon=True)
        if run.is_stop_requested:
            self._stop_requested.set()

    def __enter__(self) -> Self:
        if self.run.attempt > 1:
            keeps_seq = self._writer.top.seq
            self.emit(EventType.ATTEMPT, attempt=self.run.attempt, keeps_seq=keeps_seq)
        else:
            self.emit(EventType.STARTED)
        self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._release_keeper()

    @property
    def is_stop_requested(self) -> bool:
        """Whether to end soon: the user stopped the run, or another attempt owns it."""
        return self._stop_requested.is_set() or self._fenced.is_set()

    def on_interrupt(self, callback: Callable[[], object]) -> None:
        """Call ``callback`` once, from another thread, when the run is to end; at once if it is already."""
        self._interrupt = callback
        if self.is_stop_requested:
            self._call_interrupt()

    def check(self) -> None:
        """Raise RunStopped or Fenced if the work is to end here."""
        if self._fenced.is_set():
            raise Fenced(f"run {self.run.id}: attempt {self.run.attempt} was taken over")
        if self._stop_requested.is_set():
            raise RunStopped

    def emit(self, event_type: str, /, **fields: Any) -> None:
        """Say something: readers have it within a millisecond, Postgres within a quarter of a second.

        Raises:
            Fenced: a newer attempt owns the run; nothing more may be said or done.
        """
        if self._fenced.is_set():
            raise Fenced(f"run {self.run.id}: attempt {self.run.attempt} was taken over")
        self._writer.append(event_type, fields)
        self.snapshot.apply(event_type, fields)
        if self._writer.unsaved >= BATCH_EVENTS:
            self._kick.set()

    def finish(self, status: RunStatus, *, error: dict[str, Any] | None = None, record: Recorder) -> None:
        """End the run: remaining events, what it made, ``end`` and the row commit together, then ``end`` is pushed.

        While Postgres is away this waits for it, ten minutes at most: an answer that is complete is not thrown away.

        Raises:
            Fenced: another attempt owns the run; nothing was written.
        """
        self._release_keeper()
        end = self._writer.next_event(EventType.END, self._end_fields(status, error))
        deadline = time.monotonic() + END_PATIENCE_SECONDS
        while True:
            try:
                self._commit_end(end, status, error, record)
                break
            except (DBAPIError, OSError) as failure:
                if not is_outage(failure) or time.monotonic() > deadline:
                    raise
                logger.warning("run %s: Postgres is away, its end waits: %s", self.run.id, failure)
                self._kick.wait(END_RETRY_SECONDS)
        self._writer.publish_end(end)

    def _commit_end(
        self, end: Event, status: RunStatus, error: dict[str, Any] | None, record: Recorder
    ) -> None:
        with self._engine.begin() as connection:
            if (
                connection.execute(statements.lock_while_holding(self.run.id, self.run.attempt)).first()
                is None
            ):
                raise Fenced(f"run {self.run.id}: attempt {self.run.attempt} was taken over")
            self._writer.save(connection)
            connection.execute(statements.insert_events(self.run.id, [end]))
            result = record(connection, self, status, error)
            connection.execute(
                statements.end_run(
                    self.run.id, status=status, end_seq=end.position.seq, error=error, result=result
                )
            )
            connection.execute(statements.forget_wake_up(self.run.id))

    def _end_fields(self, status: RunStatus, error: dict[str, Any] | None) -> dict[str, Any]:
        text = self.snapshot.text
        fields: dict[str, Any] = {
            "status": status,
            "chars": len(text),
            "events": self._writer.top.seq + 1,
            "text_sha256": self.snapshot.text_sha256,
        }
        return fields | ({"error": error} if error else {})

    def _keep(self) -> None:
        while not self._over.is_set():
            self._kick.wait(BATCH_SECONDS)
            self._kick.clear()
            if self._over.is_set():
                return
            try:
                self._beat()
            except Fenced:
                self._fenced.set()
                self._call_interrupt()
                return
            except (DBAPIError, OSError) as error:
                logger.warning("run %s: Postgres is away, events wait: %s", self.run.id, error)
                self._kick.wait(BATCH_SECONDS)

    def _beat(self) -> None:
        """Save, renew and look for the stop in one short transaction; then help a Redis that came back."""
        is_due = time.monotonic() >= self._renew_at
        with self._engine.begin() as connection:
            row = connection.execute(statements.look_while_holding(self.run.id, self.run.attempt)).first()
            if row is None:
                raise Fenced
            saved = self._writer.save(connection)
            if is_due:
                connection.execute(statements.renew_lease(self.run.id, self.run.attempt, self._lease_seconds))
        self._writer.forget_saved(saved)
        if is_due:
            self._renew_at = time.monotonic() + self._lease_seconds / 3
        if row[0] is not None and not self._stop_requested.is_set():
            self._stop_requested.set()
            self._call_interrupt()
        self._writer.catch_up()

    def _call_interrupt(self) -> None:
        if self._interrupt is not None:
            callback, self._interrupt = self._interrupt, None
            callback()

    def _release_keeper(self) -> None:
        self._over.set()
        self._kick.set()
        if self._keeper.is_alive():
            self._keeper.join()
        self._kick.clear()


def is_outage(failure: BaseException) -> bool:
    """Whether the database could not be reached, rather than refused what it was told."""
    if isinstance(failure, DBAPIError):
        return failure.connection_invalidated or type(failure).__name__ in (
            "OperationalError",
            "InterfaceError",
        )
    return isinstance(failure, OSError)
