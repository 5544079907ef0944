"""Search over HTTP."""

from fastapi import APIRouter

from riverrun.auth.dependencies import CurrentPrincipal
from riverrun.auth.grants import Right
from riverrun.auth.principal import get_scoped
from riverrun.infra.dependencies import AsyncDb
from riverrun.infra.plain_route import PlainRoute
from riverrun.parsing.models import Project
from riverrun.search.schemas import FoundCode, SearchRequest, SearchResults
from riverrun.search.search_service import AsyncSearchService

search_router = APIRouter(tags=["search"], route_class=PlainRoute)


@search_router.post("/search")
async def search(request: SearchRequest, principal: CurrentPrincipal, db: AsyncDb) -> SearchResults:
    """The ten pieces of a repository's code that fit a question best."""
    project = await get_scoped(db, principal, Project, request.project_id, Right.VIEW)
    hits = await AsyncSearchService(db).search_codebase([project.id], request.query)
    return SearchResults(results=[FoundCode.of(hit) for hit in hits])
