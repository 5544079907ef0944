"""The API for programs: under ``/api/v2``, by API key, the verbs that ``/api/v1`` has for people.

The very same routes are served under both prefixes; only the door differs. So neither can fall behind the other.
"""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request

from riverrun.api.project_questions import project_questions_router
from riverrun.api.runs_router import runs_router
from riverrun.auth.api_key_service import AsyncApiKeyService
from riverrun.auth.api_keys import Scope
from riverrun.auth.dependencies import READING, let_in, links_of
from riverrun.auth.errors import ScopeMissing
from riverrun.conversations.conversations_router import conversations_router
from riverrun.conversations.sessions_router import sessions_router
from riverrun.conversations.sharing_router import sharing_router
from riverrun.infra.dependencies import AsyncDb, commit_now
from riverrun.parsing.parsing_router import parsing_router
from riverrun.parsing.project_shares_router import project_shares_router
from riverrun.search.search_router import search_router
from riverrun.usage.usage_router import usage_router

VERBS = (
    conversations_router,
    runs_router,
    sessions_router,
    search_router,
    parsing_router,
    project_shares_router,
    sharing_router,
    usage_router,
)
"""What people and programs do alike, the most asked first: routes are tried in this order. Paths are relative to the
version's prefix."""

LOOKING = frozenset({"search", "resume", "find_parsing_status"})
"""Names of routes that are POSTed to, and change nothing."""


async def get_api_key_user(
    request: Request, db: AsyncDb, x_api_key: Annotated[str | None, Header()] = None
) -> None:
    """Let the holder of the request's key in. No transaction stays open: what comes next may be a body that is slow.

    Raises:
        InvalidApiKey: no valid key.
        ScopeMissing: the key is not good for this.
    """
    principal, scopes = await AsyncApiKeyService(db).admit(x_api_key or "")
    await commit_now(db)
    needed = _scope_for(request)
    if needed not in scopes:
        raise ScopeMissing(f"This needs a key with the scope {needed}.", scope=needed)
    administers = principal.is_administrator and Scope.ADMINISTER in scopes
    let_in(request, replace(principal, links=links_of(request), is_administrator=administers), scopes)


def _scope_for(request: Request) -> Scope:
    is_looking = request.method in READING or request.scope["route"].name in LOOKING
    return Scope.READ if is_looking else Scope.WRITE


api_router = APIRouter(dependencies=[Depends(get_api_key_user, scope="function")])
for verbs in (*VERBS, project_questions_router):
    api_router.include_router(verbs)
