"""Folders of a few files as indexed projects, without an API."""

from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from riverrun.infra.settings import Settings
from riverrun.kit.ids import new_uuid
from riverrun.parsing.indexer import index_project
from riverrun.parsing.models import Project
from riverrun.users.models import User


def add_project(engine: Engine, folder: Path, repo_name: str, files: Mapping[str, str]) -> UUID:
    """Index files, written below ``folder``, as a project of a user of its own."""
    root = write_files(folder / str(new_uuid()), files)
    return index_folder(engine, root, folder, repo_name=repo_name)


def write_files(root: Path, files: Mapping[str, str]) -> Path:
    """The folder with these files."""
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content, "utf-8")
    return root


def index_folder(engine: Engine, root: Path, workplace: Path, *, repo_name: str | None = None) -> UUID:
    """Index a folder as a project of a user of its own, named as the folder unless told otherwise."""
    project_id = new_uuid()
    with Session(engine) as session:
        user = User(email=f"{project_id}@example.org", display_name="Ann")
        session.add(user)
        session.flush()
        name = repo_name or root.name
        session.add(Project(id=project_id, user_id=user.id, repo_name=name, source=str(root)))
        session.commit()
    index_project(
        engine,
        project_id,
        Settings(data_dir=workplace / "data", allow_local_paths=True),
        progress=lambda *_: None,
        should_stop=lambda: False,
    )
    return project_id
