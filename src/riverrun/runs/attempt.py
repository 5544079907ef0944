"""An attempt: one worker's try at a run, from the claim to the end. Synchronous, as Celery is."""

import logging
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, Self

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from riverrun.infra.worker_leaving import Leaving
from riverrun.runs import lease_statements, statements
from riverrun.runs.errors import RunStopped
from riverrun.runs.event_writer import EventWriter
from riverrun.runs.lease import ClaimedRun
from riverrun.runs.models import RunStatus
from riverrun.runs.outsized import ResultStore, split
from riverrun.runs.patience import Result, patiently
from riverrun.streaming.errors import Fenced, OversizedFrame
from riverrun.streaming.events import Event, EventType
from riverrun.streaming.redis_streaming import RedisStreamManager
from riverrun.streaming.snapshot import Snapshot

BATCH_SECONDS = 0.25
BATCH_EVENTS = 64
UNWINDING_SECONDS = 1.0
"""How long the work may take to end by itself before the lease is given back all the same."""

Recorder = Callable[[Connection, "Attempt", RunStatus, dict[str, Any] | None], dict[str, Any] | None]
"""Writes what the run made, in the transaction of its end; returns the receipt's part of it. It may delete the run: then
its readers are still told the end, and nothing stays of it.
"""

logger = logging.getLogger(__name__)


class Attempt:
    """Speaks for the run while its lease holds. As a context it keeps the lease, saves batches and sees the stop.

    A thread of its own does that, so a slow model is not a dead worker and a silent one can be stopped. It also sees that
    the worker is told to leave: the work is interrupted, and the lease given back, at the latest after a second.
    """

    def __init__(
        self,
        run: ClaimedRun,
        engine: Engine,
        streams: RedisStreamManager,
        *,
        lease_seconds: float,
        leaving: Leaving,
    ) -> None:
        self.run = run
        self.snapshot = Snapshot.of(run.log)
        self._engine = engine
        self._leaving = leaving
        self._hand_over_by: float | None = None
        self._results = ResultStore(run.lease, engine)
        self._writer = EventWriter(run.id, run.attempt, run.log, streams, on_stopping=self._look_for_stop)
        self._lease_seconds = lease_seconds
        self._stop_requested = threading.Event()
        self._fenced = threading.Event()
        self._interrupt: Callable[[], object] | None = None
        self._kick = threading.Event()
        self._over = threading.Event()
        self._keeper = threading.Thread(
            target=copy_context().run, args=(self._keep,), name=f"keeper-{run.id}", daemon=True
        )
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
        """Whether to end soon: the user stopped the run, the worker leaves, or another attempt owns it."""
        return self._stop_requested.is_set() or self._fenced.is_set() or self.is_leaving

    @property
    def is_leaving(self) -> bool:
        """Whether the run is to be handed over. A run that somebody stopped is not: it ends here."""
        return self._hand_over_by is not None and not self._stop_requested.is_set()

    def on_interrupt(self, callback: Callable[[], object]) -> None:
        """Call ``callback`` once, from another thread, when the run is to end; at once if it is already."""
        self._interrupt = callback
        if self.is_stop_requested:
            self._call_interrupt()

    def check(self) -> None:
        """Raise RunStopped or Fenced if the work is to end here."""
        self._require_lease()
        if self.is_stop_requested:
            raise RunStopped

    def emit(self, event_type: str, /, **fields: Any) -> None:
        """Say something: readers have it within a millisecond, Postgres within a quarter of a second.

        Long texts become several events; a tool's result beyond the size of a frame is stored, and pointed to.

        Raises:
            Fenced: a newer attempt owns the run; nothing more may be said or done.
            OversizedFrame: anything else that is larger than a frame; nothing was said.
        """
        for piece in split(event_type, fields):
            self._emit_one(event_type, piece)

    def _emit_one(self, event_type: str, fields: dict[str, Any]) -> None:
        self._require_lease()
        try:
            self._writer.append(event_type, fields)
        except OversizedFrame:
            if event_type != EventType.TOOL_RESULT:
                raise
            fields = self.patiently(lambda: self._results.keep(**fields))
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
        self._require_lease()
        end = self._writer.next_event(EventType.END, self._end_fields(status, error))
        self.patiently(lambda: self._commit_end(end, status, error, record))
        self._writer.publish_end(end)

    def hand_over(self) -> None:
        """Give the run back as it is: what was said is recorded, the lease ends now, and another worker is woken.

        Raises:
            Fenced: another attempt owns the run, or it was handed over already.
        """
        self._release_keeper()
        self._require_lease()
        self._give_back()

    def _give_back(self) -> None:
        with self._engine.begin() as connection:
            if not self._lock(connection):
                raise self._fence()
            saved = self._writer.save(connection)
            connection.execute(lease_statements.give_back(self.run.lease))
            connection.execute(lease_statements.wake_again(self.run.id))
        self._writer.forget_saved(saved)
        self._fenced.set()
        logger.info("run %s: attempt %s is handed over", self.run.id, self.run.attempt)

    def patiently(self, work: Callable[[], Result]) -> Result:
        """Do ``work`` as soon as Postgres is there for it, or never when the run is another's meanwhile."""
        return patiently(work, self.run.id, self._fenced, self._fence)

    def _require_lease(self) -> None:
        if self._fenced.is_set():
            raise self._fence()

    def _fence(self) -> Fenced:
        return Fenced(f"run {self.run.id}: attempt {self.run.attempt} does not own it any more")

    def _lock(self, connection: Connection) -> bool:
        held = statements.lock_while_holding(self.run.lease)
        return connection.execute(held).first() is not None

    def _commit_end(
        self, end: Event, status: RunStatus, error: dict[str, Any] | None, record: Recorder
    ) -> None:
        with self._engine.begin() as connection:
            if not self._lock(connection):
                if self._has_committed(connection, end):
                    return
                raise self._fence()
            self._writer.save(connection)
            connection.execute(statements.insert_events(self.run.id, [end]))
            result = record(connection, self, status, error)
            connection.execute(
                statements.end_run(
                    self.run.id, status=status, end_seq=end.position.seq, error=error, result=result
                )
            )
            connection.execute(statements.forget_wake_up(self.run.id))

    def _has_committed(self, connection: Connection, end: Event) -> bool:
        """Whether ``end`` is recorded already: the answer to its COMMIT got lost with the line to Postgres."""
        return connection.scalar(lease_statements.ended_by(self.run.id, end)) is not None

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
                if self._leaving.is_due:
                    self._leave()
            except Fenced:
                self._fenced.set()
                self._call_interrupt()
                return
            except (DBAPIError, OSError) as error:
                logger.warning("run %s: Postgres is away, events wait: %s", self.run.id, error)
                self._kick.wait(BATCH_SECONDS)

    def _beat(self) -> None:
        """Save, renew and look for the stop in one short transaction; then help a Redis that came back."""
        lease = self.run.lease
        with self._engine.begin() as connection:
            row = connection.execute(lease_statements.look_as_keeper(lease, self._lease_seconds)).first()
            if row is None:
                raise Fenced
            saved = self._writer.save(connection)
            if row.is_due:
                connection.execute(lease_statements.renew_lease(lease, self._lease_seconds))
        self._writer.forget_saved(saved)
        if row.stop_requested_at is not None and not self._stop_requested.is_set():
            self._stop_requested.set()
            self._call_interrupt()
        self._writer.catch_up()

    def _leave(self) -> None:
        """Interrupt the work; when it does not end by itself, give the lease back under it."""
        if self._hand_over_by is None:
            self._hand_over_by = time.monotonic() + UNWINDING_SECONDS
            self._call_interrupt()
        elif time.monotonic() >= self._hand_over_by:
            self._give_back()
            raise self._fence()

    def _call_interrupt(self) -> None:
        if self._interrupt is not None:
            callback, self._interrupt = self._interrupt, None
            callback()

    def _look_for_stop(self) -> None:
        """Redis says that a stop is asked for: let the keeper look at the record now."""
        if not self._stop_requested.is_set():
            self._kick.set()

    def _release_keeper(self) -> None:
        self._over.set()
        self._kick.set()
        if self._keeper.is_alive():
            self._keeper.join()
        self._kick.clear()
