"""The ledger of questions read straight out of Postgres, and what must hold of it at every moment."""

from collections import Counter
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, insert, select

from riverrun.runs.models import Run, RunKind, RunStatus
from riverrun.usage.models import EntryState, HolderKind, UsageCounter, UsageEntry, UsageLimit
from riverrun.usage.periods import Period


def entries(engine: Engine) -> dict[UUID, Any]:
    """Every entry, by its run."""
    with engine.connect() as connection:
        return {row.run_id: row for row in connection.execute(select(*UsageEntry.__table__.columns))}


def states(engine: Engine) -> Counter[str]:
    """How many entries are in which state."""
    return Counter(row.state for row in entries(engine).values())


def assert_balanced(engine: Engine) -> None:
    """Each counter is the sum of its entries."""
    expected: Counter[tuple[str, UUID, str, date]] = Counter()
    tokens: Counter[tuple[str, UUID, str, date]] = Counter()
    found = entries(engine)
    for row in found.values():
        for kind, holder in _holders(row):
            for period in Period:
                place = (kind, holder, period, period.starts_on(row.asked_on))
                expected[place] += row.state != EntryState.RELEASED
                tokens[place] += row.tokens
    with engine.connect() as connection:
        rows = connection.execute(select(*UsageCounter.__table__.columns)).all()
    counted = {(r.holder_kind, r.holder_id, r.period, r.starts_on): (r.questions, r.tokens) for r in rows}
    assert counted == {place: (expected[place], tokens[place]) for place in expected}


def assert_ended_with_their_runs(engine: Engine) -> None:
    """Each question's run has an entry; it is reserved as long as the run is not over, and no longer.

    What went with its conversation left its entry behind.
    """
    with engine.connect() as connection:
        asked = select(Run.id, Run.status).where(Run.kind.in_((RunKind.ANSWER, RunKind.REGENERATION)))
        status_by_run = {row.id: row.status for row in connection.execute(asked)}
    found = entries(engine)
    assert found.keys() >= status_by_run.keys()
    reserved = {run_id for run_id, row in found.items() if row.state == EntryState.RESERVED}
    assert reserved == {run_id for run_id, status in status_by_run.items() if status in _ACTIVE}


def limit(engine: Engine, kind: HolderKind, holder_id: UUID, **values: Any) -> None:
    """Lay a limit down, as an administrator does."""
    with engine.begin() as connection:
        connection.execute(insert(UsageLimit).values(holder_kind=kind, holder_id=holder_id, **values))


_ACTIVE = (RunStatus.QUEUED, RunStatus.RUNNING)


def _holders(row: Any) -> list[tuple[str, UUID]]:
    keys = [] if row.api_key_id is None else [(HolderKind.KEY, row.api_key_id)]
    teams = [(HolderKind.ORGANISATION, one) for one in row.organisation_ids]
    return [(HolderKind.USER, row.user_id), *keys, *teams]
