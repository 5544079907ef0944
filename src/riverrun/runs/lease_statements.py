"""The lease as SQL: taking it, keeping it, giving it back, and looking at who holds one."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    DateTime,
    Interval,
    Select,
    Update,
    Uuid,
    and_,
    bindparam,
    case,
    func,
    not_,
    or_,
    select,
    update,
)

from riverrun.runs import statements
from riverrun.runs.line_statements import IS_FIRST_IN_LINE
from riverrun.runs.models import OutboxEntry, Run, RunEvent, RunStatus
from riverrun.runs.statements import Lease
from riverrun.streaming.events import Event

_ran_out = and_(Run.status == RunStatus.RUNNING, Run.lease_until < func.now())
_died = and_(Run.status == RunStatus.RUNNING, Run.lease_owner.is_not(None))
CLAIM = (
    update(Run.__table__)  # type: ignore[arg-type]  # declared as the wider FromClause
    .where(
        Run.id == bindparam("claimed_id", type_=Uuid()),
        or_(
            and_(Run.status == RunStatus.QUEUED, IS_FIRST_IN_LINE),
            and_(_ran_out, Run.lease_owner.is_(None)),
            and_(_ran_out, Run.lease_until == bindparam("ran_out_at", type_=DateTime(timezone=True))),
        ),
    )
    .values(
        status=RunStatus.RUNNING,
        attempt=Run.attempt + 1,
        deaths=Run.deaths + case((_died, 1), else_=0),
        lease_owner=bindparam("owner"),
        lease_until=func.now() + bindparam("lease", type_=Interval()),
        started_at=func.coalesce(Run.started_at, func.now()),
    )
    .returning(*Run.__table__.columns)
)
"""Take the lease of ``claimed_id`` for ``owner``, for the length of ``lease``, if the run waits, or if its last holder gave
it back, or let it run out at ``ran_out_at``; returns the row.

A lease that ran out in somebody's hands is a death; one that was given back has no owner. Built once, as every run
waits for it.
"""


def lease_that_ran_out(run_id: UUID) -> Select[datetime | None]:
    """When the run's lease ran out in somebody's hands, if it has."""
    return select(Run.lease_until).where(Run.id == run_id, _ran_out, Run.lease_owner.is_not(None))


def look_as_keeper(lease: Lease, lease_seconds: float) -> Select[datetime | None, bool]:
    """``statements.look_while_holding``, and whether the lease ``is_due`` to be renewed: each third of its length.

    By the clock that others judge it by. The worker's own does not see that clock being set, nor a machine that slept.
    """
    length = timedelta(seconds=lease_seconds)
    is_fresh = Run.lease_until.between(func.now() + length * 2 / 3, func.now() + length)
    return statements.look_while_holding(lease).add_columns(not_(is_fresh).label("is_due"))


def renew_lease(lease: Lease, lease_seconds: float) -> Update:
    """Keep the lease; touches no row when the attempt is fenced."""
    lease_until = func.now() + timedelta(seconds=lease_seconds)
    return update(Run).where(statements.holds(lease)).values(lease_until=lease_until)


def give_back(lease: Lease) -> Update:
    """End the lease now, in nobody's hands; touches no row when the attempt is fenced."""
    return update(Run).where(statements.holds(lease)).values(lease_owner=None, lease_until=func.now())


def end_all(*, are_deaths: bool) -> Update:
    """End every lease now, when nobody who holds one is alive: as deaths, or as if each had been given back."""
    owner = {} if are_deaths else {"lease_owner": None}
    return (
        update(Run)
        .where(Run.status == RunStatus.RUNNING, Run.lease_owner.is_not(None))
        .values(lease_until=func.now(), **owner)
    )


def wake_again(run_id: UUID) -> Update:
    """Let the sweeper send the run's wake-up at its next look."""
    return update(OutboxEntry).where(OutboxEntry.run_id == run_id).values(sent_at=None)


def leases_of(worker: str) -> Select[int]:
    """How many live leases the pool processes of ``worker`` hold."""
    return (
        select(func.count())
        .select_from(Run)
        .where(
            Run.status == RunStatus.RUNNING,
            Run.lease_owner.startswith(f"{worker}:", autoescape=True),
            Run.lease_until > func.now(),
        )
    )


def ended_by(run_id: UUID, end: Event) -> Select[UUID]:
    """The run, if an end of this number and these words is recorded; whoever wrote it, readers were told the same."""
    return select(RunEvent.run_id).where(
        RunEvent.run_id == run_id,
        RunEvent.seq == end.position.seq,
        RunEvent.attempt == end.position.attempt,
        RunEvent.type == end.type,
        RunEvent.data == end.data.decode(),
    )
