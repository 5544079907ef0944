"""Runs as SQL: what to do, for the API and for workers alike."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Delete,
    Insert,
    Integer,
    Select,
    Text,
    Update,
    Uuid,
    and_,
    bindparam,
    column,
    delete,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from riverrun.runs.line_statements import ACTIVE, IS_FIRST_IN_LINE, newest_run_of
from riverrun.runs.models import OutboxEntry, Run, RunEvent, RunStatus
from riverrun.streaming.cursor import Position
from riverrun.streaming.events import Event


def insert_run(values: dict[str, Any], first: Event, task: str, queue: str) -> Insert:
    """Create a run at the end of its subject's line, whose row the caller has locked, with its first event and its
    wake-up, in one round trip; returns it. ``values`` are all: defaults are not filled in beside other inserts.
    """
    run_id = values["id"]
    wake_up = insert(OutboxEntry).values(
        run_id=run_id, task=task, queue=queue, created_at=values["created_at"]
    )
    event = insert_events(run_id, [first])
    return insert(Run).values(values).returning(Run).add_cte(event.cte("event"), wake_up.cte("wake_up"))


def last_run_of(subject_id: UUID) -> Select[Run]:
    """The newest run of ``subject_id``, active or over."""
    return select(Run).where(Run.id == newest_run_of(subject_id))


def run_of_key(user_id: UUID, subject_id: UUID, idempotency_key: str) -> Select[Run]:
    """The run that an earlier request of the user with the same key made for the subject."""
    return select(Run).where(
        Run.subject_id == subject_id, Run.user_id == user_id, Run.idempotency_key == idempotency_key
    )


class Lease(NamedTuple):
    """Who may write: this attempt of the run, by this owner.

    The number alone would not do: a Postgres that lost the claim, by a failover or a backup, gives it out again.
    """

    run_id: UUID
    attempt: int
    owner: str


def holds(lease: Lease) -> Any:
    """The condition under which an attempt may still write."""
    return and_(
        Run.id == lease.run_id,
        Run.attempt == lease.attempt,
        Run.status == RunStatus.RUNNING,
        Run.lease_owner == lease.owner,
    )


def look_while_holding(lease: Lease) -> Select[datetime | None]:
    """The stop intent, with the row share-locked against a take-over; no row: the attempt is fenced."""
    return select(Run.stop_requested_at).where(holds(lease)).with_for_update(read=True)


def lock_while_holding(lease: Lease) -> Select[datetime | None]:
    """As ``look_while_holding``, for the write that ends the run."""
    return select(Run.stop_requested_at).where(holds(lease)).with_for_update()


def insert_events(run_id: UUID, events: Sequence[Event]) -> Insert:
    """Record a few events; one that is there already stays as it is. More are recorded by ``RECORD_EVENTS``."""
    rows = [
        {
            "run_id": run_id,
            "seq": event.position.seq,
            "attempt": event.position.attempt,
            "type": event.type,
            "data": event.data.decode(),
        }
        for event in events
    ]
    values: Any = rows if len(rows) > 1 else rows[0]  # one row's statement is compiled once for all
    return insert(RunEvent).values(values).on_conflict_do_nothing()


_EVENTS = (
    func.unnest(
        bindparam("seqs", type_=ARRAY(Integer)),
        bindparam("attempts", type_=ARRAY(Integer)),
        bindparam("types", type_=ARRAY(Text)),
        bindparam("texts", type_=ARRAY(Text)),
    )
    .table_valued(
        column("seq", Integer), column("attempt", Integer), column("type", Text), column("data", Text)
    )
    .render_derived()
)
RECORD_EVENTS = (
    # Not the model, for which a session would take the parameters for rows.
    insert(RunEvent.__table__)  # type: ignore[arg-type]  # declared as the wider FromClause
    .from_select(["run_id", *_EVENTS.c.keys()], select(bindparam("run_id", type_=Uuid), *_EVENTS.c))
    .on_conflict_do_nothing()
)
"""The same, executed with ``event_columns``: one row of parameters for any number of events, in one round trip."""


def event_columns(run_id: UUID, events: Sequence[Event]) -> dict[str, Any]:
    """Events of one run, column by column, in order."""
    return {
        "run_id": run_id,
        "seqs": [event.position.seq for event in events],
        "attempts": [event.position.attempt for event in events],
        "types": [str(event.type) for event in events],
        "texts": [event.data.decode() for event in events],
    }


def delete_events_above(run_id: UUID, seq: int) -> Delete:
    """Forget what an earlier attempt said beyond ``seq``."""
    return delete(RunEvent).where(RunEvent.run_id == run_id, RunEvent.seq > seq)


def events_after(run_id: UUID, position: Position, limit: int | None = None) -> Select[int, int, str, str]:
    """Events after ``position`` in order, as ``(attempt, seq, type, data)``."""
    return (
        select(RunEvent.attempt, RunEvent.seq, RunEvent.type, RunEvent.data)
        .where(RunEvent.run_id == run_id, tuple_(RunEvent.attempt, RunEvent.seq) > tuple_(*position))
        .order_by(RunEvent.seq)
        .limit(limit)
    )


def event_at(run_id: UUID, seq: int) -> Select[int]:
    """The attempt that said the event ``seq``, if it is recorded."""
    return select(RunEvent.attempt).where(RunEvent.run_id == run_id, RunEvent.seq == seq)


def tops(run_ids: Sequence[UUID]) -> Select[UUID, int, int]:
    """``(run_id, attempt, seq)`` of the newest recorded event of each run: one index look-up a run."""
    newest = (
        select(RunEvent.attempt, RunEvent.seq)
        .where(RunEvent.run_id == Run.id)
        .order_by(RunEvent.seq.desc())
        .limit(1)
        .lateral()
    )
    return select(Run.id, newest.c.attempt, newest.c.seq).join(newest, true()).where(Run.id.in_(run_ids))


def end_run(
    run_id: UUID,
    *,
    status: RunStatus,
    end_seq: int,
    error: dict[str, Any] | None,
    result: dict[str, Any] | None,
    attempt: int | None = None,
) -> Update:
    """Write the run's one end and let the lease go; ``attempt`` is that of an end which takes the run over."""
    return (
        update(Run)
        .where(Run.id == run_id)
        .values(
            attempt=Run.attempt if attempt is None else attempt,
            status=status,
            ended_at=func.clock_timestamp(),
            end_seq=end_seq,
            error=error,
            result=result,
            lease_owner=None,
            lease_until=None,
        )
    )


def request_stop(run_id: UUID, *, rolls_back: bool = False) -> Update:
    """Write the stop intent once, into a run that is not over.

    Returns ``(is_worked_on,)``: whether a worker holds the run and will end it.
    """
    return (
        update(Run)
        .where(Run.id == run_id, Run.status.in_(ACTIVE))
        .values(
            stop_requested_at=func.coalesce(Run.stop_requested_at, func.clock_timestamp()),
            is_rolled_back=or_(Run.is_rolled_back, literal(rolls_back)),
        )
        .returning(and_(Run.status == RunStatus.RUNNING, Run.lease_until >= func.now()).label("is_worked_on"))
        .execution_options(synchronize_session=False)
    )


def mark_sent(run_ids: Sequence[UUID]) -> Update:
    """Note that the broker has taken the wake-ups."""
    return update(OutboxEntry).where(OutboxEntry.run_id.in_(run_ids)).values(sent_at=func.now())


def forget_wake_up(run_id: UUID) -> Delete:
    """An ended run needs no worker."""
    return delete(OutboxEntry).where(OutboxEntry.run_id == run_id)


def queues_in_use() -> Select[str]:
    """Every queue that some active run is woken through."""
    return select(OutboxEntry.queue).distinct()


def due_wake_ups(
    *,
    idle_queues: Sequence[str],
    takes_over: bool,
    unsent_seconds: float,
    lost_seconds: float,
    stale_seconds: float,
) -> Select[UUID, str, str]:
    """Wake-ups to send: those that never left, and those that got lost after they left. A run whose turn it is not
    needs none yet.

    A running run whose lease ran out has lost its worker (only looked for with ``takes_over``), or so it seems: whoever is
    woken looks again. A waiting run has lost its wake-up when its queue is idle, or after ``stale_seconds``: what waits in a
    busy queue is most likely not lost.

    Rows are locked and those of another sweeper skipped, so that many API processes may sweep at once.
    """
    sent_before = OutboxEntry.sent_at < func.now() - timedelta(seconds=lost_seconds)
    never_left = and_(
        OutboxEntry.sent_at.is_(None), OutboxEntry.created_at < func.now() - timedelta(seconds=unsent_seconds)
    )
    lost = and_(
        Run.status == RunStatus.QUEUED,
        sent_before,
        or_(
            OutboxEntry.queue.in_(idle_queues),
            OutboxEntry.sent_at < func.now() - timedelta(seconds=stale_seconds),
        ),
    )
    orphaned = and_(
        literal(takes_over), Run.status == RunStatus.RUNNING, Run.lease_until < func.now(), sent_before
    )
    return (
        select(OutboxEntry.run_id, OutboxEntry.task, OutboxEntry.queue)
        .join(Run, Run.id == OutboxEntry.run_id)
        .where(or_(never_left, lost, orphaned), IS_FIRST_IN_LINE)
        .order_by(OutboxEntry.sent_at.nulls_first())
        .limit(100)
        .with_for_update(of=OutboxEntry, skip_locked=True)
    )
