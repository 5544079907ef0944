"""Projects and their files as SQL."""

from uuid import UUID

from sqlalchemy import Insert, Select, Update, case, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningDelete

from riverrun.auth.principal import Principal, scoped
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.parsing.models import Blob, Project, ProjectStatus, SourceFile


def project_of(principal: Principal, source: str, branch_name: str) -> Select[UUID]:
    """The principal's project of this source and branch."""
    return (
        scoped(principal, Project)
        .where(Project.source == source, Project.branch_name == branch_name)
        .with_only_columns(Project.id)
    )


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


def delete_project(project_id: UUID) -> ReturningDelete[UUID]:
    """Remove the project with its index; returns its id, or no row when it is gone already."""
    return delete(Project).where(Project.id == project_id).returning(Project.id)


def note_failure(project_id: UUID, error: str) -> Update:
    """Keep why the last indexing failed; a project that has a whole index stays ready with it."""
    status = case((Project.indexed_at.is_(None), ProjectStatus.ERROR), else_=Project.status)
    return update(Project).where(Project.id == project_id).values(error=error, status=status)


def file_of(project_id: UUID, path: str) -> Select[str, bytes]:
    """``(blob, content)`` of an indexed file."""
    return (
        select(SourceFile.blob, Blob.content)
        .join(Blob, (Blob.project_id == SourceFile.project_id) & (Blob.sha == SourceFile.blob))
        .where(SourceFile.project_id == project_id, SourceFile.path == path)
    )
