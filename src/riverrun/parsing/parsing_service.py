"""Projects as the API handles them: add, list, look into, remove."""

import os
from pathlib import Path
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.auth.grants import Right
from riverrun.auth.principal import Principal, get_scoped, scoped
from riverrun.auth.revocations import Revocation
from riverrun.code_provider.repository_address import MAX_ADDRESS_CHARS, parse_address
from riverrun.infra.celery_app import queue_name
from riverrun.infra.settings import Settings
from riverrun.infra.thread_bridge import ThreadBridge
from riverrun.kit.markup import highlight
from riverrun.kit.problem import Forbidden, InvalidRequest, NotFound
from riverrun.parsing import statements
from riverrun.parsing.errors import SourceRefused
from riverrun.parsing.index_lock import lock_index
from riverrun.parsing.models import Project
from riverrun.parsing.schemas import FileView, ParsingRequest, ProjectView
from riverrun.parsing.text_lines import text_lines
from riverrun.runs.channels import EndedRun
from riverrun.runs.line_statements import active_run_of
from riverrun.runs.models import Run, RunKind
from riverrun.runs.run_service import AsyncRunService, CreatedRun
from riverrun.runs.task_names import INDEXING_TASK

MAX_LINES = 2_000


class ParsingService:
    """A verb a use case, in the request's transaction, for one principal."""

    def __init__(
        self, session: AsyncSession, principal: Principal, settings: Settings, threads: ThreadBridge
    ) -> None:
        self._session = session
        self._principal = principal
        self._settings = settings
        self._threads = threads

    async def start_indexing(self, request: ParsingRequest) -> tuple[Project, CreatedRun]:
        """The project of a source, and the run that brings its index up to date.

        A project that is being indexed already answers with the run under way.

        Raises:
            SourceRefused: no such folder, or a URL that is not taken.
            Forbidden: folders may not be indexed on this server, or not by this principal.
        """
        source, repo_name = await self._source_of(request)
        project_id = await self._session.scalar(
            statements.upsert_project(self._principal.user_id, repo_name, source, _version_of(request))
        )
        project = await self._session.get_one(Project, project_id)
        active = await self._session.scalar(active_run_of(project.id))
        if active is not None:
            return project, CreatedRun(active, None, is_new=False)
        created = await AsyncRunService(self._session).create(
            kind=RunKind.INDEXING,
            subject_id=project.id,
            user_id=self._principal.user_id,
            owner_id=project.user_id,
            payload={"title": project.repo_name, "source": source},
            task=INDEXING_TASK,
            queue=queue_name(self._settings, "indexing"),
        )
        return project, created

    async def list_projects(self) -> list[ProjectView]:
        """The projects that the principal may see, by name."""
        projects = (
            await self._session.scalars(
                scoped(self._principal, Project, Right.VIEW).order_by(Project.repo_name, Project.id)
            )
        ).all()
        runs = await self._active_runs([project.id for project in projects])
        viewer_id = self._principal.user_id
        return [ProjectView.of(project, runs.get(project.id), viewer_id) for project in projects]

    async def get_project(self, project_id: UUID) -> ProjectView:
        """One project."""
        project = await get_scoped(self._session, self._principal, Project, project_id, Right.VIEW)
        run_id = (await self._active_runs([project_id])).get(project_id)
        return ProjectView.of(project, run_id, self._principal.user_id)

    async def find_project(self, request: ParsingRequest) -> ProjectView:
        """The project of a source.

        Raises:
            NotFound: the principal has none of it.
            SourceRefused, Forbidden: as for indexing it.
        """
        source, _ = await self._source_of(request)
        project_id = await self._session.scalar(
            statements.project_of(self._principal, source, _version_of(request))
        )
        if project_id is None:
            raise NotFound
        return await self.get_project(project_id)

    async def delete_project(self, project_id: UUID) -> EndedRun | None:
        """Remove the project and its index; an indexing run under way is told to stop, and returned if that ended it."""
        await get_scoped(self._session, self._principal, Project, project_id)
        active = await self._session.scalar(active_run_of(project_id))
        ended = None
        if active is not None:  # before the project is locked: the run's end locks in this order too
            ended = await AsyncRunService(self._session).request_stop(active)
        await self._session.execute(lock_index(project_id))
        if await self._session.scalar(statements.delete_project(project_id)) is None:
            raise NotFound  # somebody was faster
        self._session.add(Revocation(subject_id=project_id))
        return ended

    async def read_file(self, project_id: UUID, path: str, start: int, end: int) -> FileView:
        """Lines ``start`` to ``end`` of a file as it was indexed, clipped to the file, at most 2,000.

        Raises:
            NotFound: no such file in the index, or no such line.
            InvalidRequest: ``end`` before ``start``.
        """
        project = await get_scoped(self._session, self._principal, Project, project_id, Right.VIEW)
        if end < start:
            raise InvalidRequest("end lies before start.")
        row = (await self._session.execute(statements.file_of(project_id, path))).one_or_none()
        if row is None:
            raise NotFound
        lines = text_lines(row.content)
        shown = lines[start - 1 : min(end, start + MAX_LINES - 1)]
        if not shown:
            raise NotFound
        text = "\n".join(shown)
        return FileView(
            repo=project.repo_name,
            commit=project.commit_id,
            path=path,
            blob=row.blob,
            start_line=start,
            end_line=start + len(shown) - 1,
            total_lines=len(lines),
            text=text,
            html=highlight(path, text, start_line=start),
        )

    async def _source_of(self, request: ParsingRequest) -> tuple[str, str]:
        if request.repo_path:
            return await self._folder(request.repo_path)
        address = parse_address(request.repo_name or "", allowed_hosts=self._settings.allowed_hosts)
        return address.url, address.name

    async def _folder(self, given: str) -> tuple[str, str]:
        """Whoever indexes a folder reads it, and this server can read its own passwords: so administrators only."""
        if not (self._settings.allow_local_paths and self._principal.is_administrator):
            raise Forbidden("Folders of this server's disk may not be indexed by you: give an https URL.")
        folder = Path(given)
        if not folder.is_absolute():
            raise SourceRefused(f"{given!r} is not an absolute path.")
        resolved, is_readable = await self._threads.run(_look_at, folder)
        if not is_readable:
            raise SourceRefused(f"There is no folder {given} that this server can read.")
        if resolved.is_relative_to(await self._threads.run(self._settings.data_dir.resolve)):
            raise SourceRefused(
                f"{given} is Riverrun's own data folder, with its passwords: index another one."
            )
        if len(os.fsencode(resolved)) > MAX_ADDRESS_CHARS:
            raise SourceRefused(f"The folder's whole path is longer than {MAX_ADDRESS_CHARS:,} bytes.")
        return str(resolved), resolved.name or "/"

    async def _active_runs(self, project_ids: list[UUID]) -> dict[UUID, UUID]:
        """Of projects that the principal may see: then so are the runs that index them."""
        rows = await self._session.scalars(
            select(Run).where(Run.subject_id.in_(project_ids), Run.status.in_(("queued", "running")))
        )
        return {run.subject_id: run.id for run in rows}


def _version_of(request: ParsingRequest) -> str:
    """What of the source is meant: a commit, a branch, or its newest state."""
    return request.commit_id or request.branch_name or ""


def _look_at(folder: Path) -> tuple[Path, bool]:
    try:
        resolved = folder.resolve()
        return resolved, resolved.is_dir() and os.access(resolved, os.R_OK | os.X_OK)
    except (OSError, RuntimeError):  # a name too long, a folder above that is closed, links in a circle
        return folder, False
