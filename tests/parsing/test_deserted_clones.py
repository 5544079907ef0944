"""A project's clone goes when the project has gone."""

from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine, insert

from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.parsing.models import Project
from riverrun.parsing.source_opening import clone_directory, remove_deserted_clones


def test_only_clones_without_a_project_are_removed(engine: Engine, user_id: UUID, tmp_path: Path) -> None:
    kept, gone = new_uuid(), new_uuid()
    for project_id in (kept, gone):
        (clone_directory(tmp_path, project_id) / "objects").mkdir(parents=True)
    values = {"id": kept, "user_id": user_id, "repo_name": "o/n", "source": "https://example.org/o/n"}
    with engine.begin() as connection:
        connection.execute(
            insert(Project).values(
                **values, branch_name="", status="ready", files=0, symbols=0, created_at=now()
            )
        )
        remove_deserted_clones(connection, tmp_path)
    assert [path.name for path in (tmp_path / "repositories").iterdir()] == [f"{kept}.git"]


def test_no_clones_are_no_error(engine: Engine, tmp_path: Path) -> None:
    with engine.connect() as connection:
        remove_deserted_clones(connection, tmp_path)
