"""Which run is the newest is told by its number, whatever the clocks of API processes say, and by an index."""

from uuid import UUID

import pytest
from sqlalchemy import Engine, select, text, update
from tests.support.stories import make_run

from riverrun.kit.ids import new_uuid
from riverrun.runs.line_statements import newest_run_of
from riverrun.runs.models import Run
from riverrun.runs.statements import last_run_of

MANY_RUNS = text(
    "INSERT INTO runs (id, user_id, owner_id, kind, subject_id, payload, status, attempt, deaths, is_rolled_back, created_at)"
    " SELECT gen_random_uuid(), :user_id, :user_id, 'answer', :subject_id, '{}', 'completed', 1, 0, false,"
    " now() - interval '1 s' * n FROM generate_series(1, 3000) n"
)


@pytest.fixture
def runs(engine: Engine, user_id: UUID) -> list[UUID]:
    """Three runs of one subject, in order."""
    subject_id = new_uuid()
    return [make_run(engine, user_id, subject_id=subject_id) for _ in range(3)]


def test_the_newest_run_was_accepted_by_a_process_whose_clock_is_behind(
    engine: Engine, runs: list[UUID]
) -> None:
    with engine.begin() as connection:
        an_hour_ago = text("now() - interval '1 hour'")
        connection.execute(update(Run).where(Run.id == runs[-1]).values(created_at=an_hour_ago))
        subject_id = connection.scalar(select(Run.subject_id).limit(1))
        assert connection.execute(last_run_of(subject_id)).first().id == runs[-1]
        assert connection.execute(last_run_of(new_uuid())).first() is None


def test_among_many_runs_it_is_looked_up_by_an_index(engine: Engine, user_id: UUID) -> None:
    subject_id = new_uuid()
    with engine.begin() as connection:
        connection.execute(MANY_RUNS, {"user_id": user_id, "subject_id": subject_id})
        connection.exec_driver_sql("ANALYZE runs")
        compiled = select(newest_run_of(subject_id)).compile(engine, compile_kwargs={"literal_binds": True})
        plan = "\n".join(connection.scalars(text(f"EXPLAIN (ANALYZE, COSTS OFF) {compiled}")))
    assert "Index Scan Backward using ix_runs_subject_created" in plan, plan
    assert "actual" in plan
    assert "rows=3000" not in plan, plan
