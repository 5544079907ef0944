"""Projects over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from riverrun.auth.dependencies import CurrentPrincipal
from riverrun.auth.request_rates import POST_RATE
from riverrun.infra.dependencies import AsyncDb, CurrentResources, after_commit
from riverrun.infra.plain_route import PlainRoute
from riverrun.kit.storable_text import StorableText
from riverrun.parsing.parsing_service import ParsingService
from riverrun.parsing.schemas import FileView, ParsingAccepted, ParsingRequest, ProjectView
from riverrun.runs.dependencies import CurrentChannels, CurrentOutbox

parsing_router = APIRouter(tags=["projects"], route_class=PlainRoute)


async def get_parsing_service(
    db: AsyncDb, principal: CurrentPrincipal, resources: CurrentResources
) -> ParsingService:
    """The service for this request."""
    return ParsingService(db, principal, resources.settings, resources.threads)


CurrentProjects = Annotated[ParsingService, Depends(get_parsing_service)]


@parsing_router.post("/parse", status_code=202, dependencies=[POST_RATE])
async def parse(
    request: ParsingRequest, projects: CurrentProjects, db: AsyncDb, outbox: CurrentOutbox
) -> ParsingAccepted:
    """Index a repository, or bring its index up to date; follow the run for progress."""
    project, created = await projects.start_indexing(request)
    if (wake_up := created.wake_up) is not None:
        after_commit(db, lambda: outbox.send_soon(wake_up))
    return ParsingAccepted(
        project_id=project.id, status=project.status, run_id=created.run.id, session_id=created.run.id
    )


@parsing_router.get("/projects/list")
async def list_projects(projects: CurrentProjects) -> list[ProjectView]:
    """The repositories that you have added."""
    return await projects.list_projects()


@parsing_router.get("/parsing-status/{project_id}")
async def get_parsing_status(project_id: UUID, projects: CurrentProjects) -> ProjectView:
    """One repository, and the run that indexes it."""
    return await projects.get_project(project_id)


@parsing_router.post("/parsing-status")
async def find_parsing_status(request: ParsingRequest, projects: CurrentProjects) -> ProjectView:
    """The repository of a source that was given to `parse`, by the same words."""
    return await projects.find_project(request)


@parsing_router.delete("/projects/{project_id}", status_code=204)
async def delete_project(
    project_id: UUID, projects: CurrentProjects, db: AsyncDb, channels: CurrentChannels
) -> None:
    """Remove a repository with its index; the repository itself is not touched."""
    ended = await projects.delete_project(project_id)
    await channels.commit(db, ended=[ended] if ended else [])


@parsing_router.get("/projects/{project_id}/file")
async def read_file(
    project_id: UUID,
    projects: CurrentProjects,
    path: Annotated[StorableText, Query(min_length=1, max_length=4096)],
    start: Annotated[int, Query(ge=1, le=10_000_000)] = 1,
    end: Annotated[int, Query(ge=1, le=10_000_000)] = 200,
) -> FileView:
    """A range of a file as it was indexed: what a citation points to."""
    return await projects.read_file(project_id, path, start, end)
