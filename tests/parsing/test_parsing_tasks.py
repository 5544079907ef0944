"""An indexing run that breaks leaves its reason in the project."""

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, insert, select
from tests.support.stories import make_run

from riverrun.infra.worker_resources import WorkerResources
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.parsing import parsing_tasks
from riverrun.parsing.models import Project
from riverrun.runs.models import RunKind
from riverrun.runs.performance import perform_run


@pytest.mark.parametrize(("was_indexed", "status"), [(False, "error"), (True, "ready")])
def test_an_unforeseen_failure_is_kept_and_a_whole_index_stays_ready(
    worker: WorkerResources, engine: Engine, user_id: UUID, tmp_path: Path, *, was_indexed: bool, status: str
) -> None:
    project_id = new_uuid()
    with engine.begin() as connection:
        connection.execute(
            insert(Project).values(
                id=project_id,
                user_id=user_id,
                repo_name="one",
                source=str(tmp_path),
                branch_name="",
                status="ready" if was_indexed else "submitted",
                indexed_at=now() if was_indexed else None,
                files=0,
                symbols=0,
                created_at=now(),
            )
        )

    def breaks(_: object) -> None:
        raise MemoryError

    run_id = make_run(engine, user_id, RunKind.INDEXING, project_id)
    perform_run(run_id, worker, breaks, parsing_tasks.note_failure)
    with engine.connect() as connection:
        project = connection.execute(select(Project.status, Project.error)).one()
    assert project.status == status
    assert "worker" in project.error
