"""Projects and their files as SQL."""

from typing import Any
from uuid import UUID

from sqlalchemy import Insert, Select, func, select
from sqlalchemy.dialects.postgresql import insert

from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.parsing.models import Blob, Project, ProjectStatus, SourceFile


def upsert_project(user_id: UUID, repo_name: str, source: str, branch_name: str) -> Insert:
    """The user's project of this source and branch, made if need be; returns its id."""
    statement = insert(Project).values(
        id=new_uuid(),
        user_id=user_id,
        repo_name=repo_name,
        source=source,
        branch_name=branch_name,
        status=ProjectStatus.SUBMITTED,
        files=0,
        symbols=0,
        created_at=now(),
    )
    return statement.on_conflict_do_update(
        index_elements=[Project.user_id, Project.source, Project.branch_name], set_={"error": None}
    ).returning(Project.id)


def file_of(project_id: UUID, path: str) -> Select[Any]:
    """``(blob, content)`` of an indexed file."""
    return (
        select(SourceFile.blob, Blob.content)
        .join(Blob, (Blob.project_id == SourceFile.project_id) & (Blob.sha == SourceFile.blob))
        .where(SourceFile.project_id == project_id, SourceFile.path == path)
    )


def count_skipped(project_id: UUID) -> Select[Any]:
    """``(reason, files)`` of what is not in the index, the most frequent first."""
    return (
        select(SourceFile.reason, func.count())
        .where(SourceFile.project_id == project_id, SourceFile.status != "indexed")
        .group_by(SourceFile.reason)
        .order_by(func.count().desc())
    )
