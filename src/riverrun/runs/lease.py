"""The lease: who may work on a run. Celery only wakes workers; this row decides."""

import os
import socket
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine

from riverrun.runs import lease_statements, statements
from riverrun.runs.event_log import QUEUED, decode_rows
from riverrun.runs.models import RunKind
from riverrun.runs.statements import Lease
from riverrun.streaming.cursor import START
from riverrun.streaming.events import Event

SECOND_LOOK_SECONDS = 1.0
"""After how long a lease that ran out is looked at again before it is taken: four beats of a keeper. One that is alive has
renewed it by then, whatever held up Postgres or set its clock; two looks in a row that find the same find a dead one.
"""


@dataclass(frozen=True, slots=True)
class ClaimedRun:
    """A run that is ours, with the events that stay valid, in order. They are never none: ``queued`` is the first."""

    lease: Lease
    user_id: UUID
    kind: RunKind
    subject_id: UUID
    payload: dict[str, Any]
    deaths: int
    is_stop_requested: bool
    created_at: datetime
    traceparent: str | None
    log: list[Event]

    @property
    def id(self) -> UUID:
        return self.lease.run_id

    @property
    def attempt(self) -> int:
        return self.lease.attempt


def claim_run(engine: Engine, run_id: UUID, *, lease_seconds: float, max_attempts: int) -> ClaimedRun | None:
    """Take the run if it waits, or if its last worker handed it over or is dead; none when it is not to be had.

    Dead is who let the lease run out and does not renew it within ``SECOND_LOOK_SECONDS``, which this waits for.
    A new attempt that is to begin anew keeps only ``queued``; one that continues, or only has to end the run
    (stop asked for, too many deaths), keeps everything recorded.
    """
    claim = {"claimed_id": run_id, "owner": _new_owner(), "lease": timedelta(seconds=lease_seconds)}
    with engine.begin() as connection:
        run = _claim(connection, claim, max_attempts, ran_out_at=None)
        ran_out_at = connection.scalar(lease_statements.lease_that_ran_out(run_id)) if run is None else None
    if ran_out_at is None:
        return run
    _let_its_keeper_renew_it()
    with engine.begin() as connection:
        return _claim(connection, claim, max_attempts, ran_out_at=ran_out_at)


def _let_its_keeper_renew_it() -> None:
    threading.Event().wait(SECOND_LOOK_SECONDS)


def _claim(
    connection: Connection, claim: dict[str, Any], max_attempts: int, *, ran_out_at: datetime | None
) -> ClaimedRun | None:
    run = connection.execute(lease_statements.CLAIM, claim | {"ran_out_at": ran_out_at}).first()
    if run is None:
        return None
    only_ends = run.stop_requested_at is not None or run.deaths >= max_attempts
    if run.attempt > 1 and RunKind(run.kind).restarts and not only_ends:
        connection.execute(statements.delete_events_above(run.id, 1))
    return ClaimedRun(
        lease=Lease(run.id, run.attempt, run.lease_owner),
        user_id=run.user_id,
        kind=RunKind(run.kind),
        subject_id=run.subject_id,
        payload=run.payload,
        deaths=run.deaths,
        is_stop_requested=run.stop_requested_at is not None,
        created_at=run.created_at,
        traceparent=run.traceparent,
        log=_read_log(connection, run.id) if run.attempt > 1 else [QUEUED],
    )


def _read_log(connection: Connection, run_id: UUID) -> list[Event]:
    return decode_rows(connection.execute(statements.events_after(run_id, START)))


def worker_name(main_process_id: int) -> str:
    """A worker, as the owners of leases begin: the machine and the worker's main process."""
    return f"{socket.gethostname()}:{main_process_id}"


def _new_owner() -> str:
    """Who takes a lease, and which one: in containers two workers may have one name, and the same processes' numbers."""
    return f"{worker_name(os.getppid())}:{os.getpid()}:{token_hex(4)}"
