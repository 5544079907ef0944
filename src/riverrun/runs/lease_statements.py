"""The lease as SQL, beyond taking and keeping it: giving it back, and looking at who holds one."""

from uuid import UUID

from sqlalchemy import Select, Update, func, select, update

from riverrun.runs import statements
from riverrun.runs.models import OutboxEntry, Run, RunStatus


def give_back(run_id: UUID, attempt: int) -> Update:
    """End the lease now, in nobody's hands; touches no row when the attempt is fenced."""
    return (
        update(Run).where(statements.holds(run_id, attempt)).values(lease_owner=None, lease_until=func.now())
    )


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


def ended_by(run_id: UUID, attempt: int, end_seq: int) -> Select[UUID]:
    """The run, if this very attempt has ended it by this very event."""
    return select(Run.id).where(Run.id == run_id, Run.attempt == attempt, Run.end_seq == end_seq)
