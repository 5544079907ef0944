"""Opening a share link: the browser keeps it in a cookie, and shows the conversation."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import RedirectResponse

from riverrun.auth.dependencies import LINKS_COOKIE, MOST_LINKS
from riverrun.auth.grant_statements import link_grant
from riverrun.auth.session_cookie import is_secure
from riverrun.auth.tokens import token_hash
from riverrun.infra.dependencies import AsyncDb, CurrentSettings

links_router = APIRouter(tags=["sharing"])

KEPT_SECONDS = 180 * 86_400
NOWHERE = "00000000-0000-0000-0000-000000000000"
"""The page says of it what it says of every conversation that is not there."""
TOKEN_FORM = "^[A-Za-z0-9_-]{20,200}$"
HEADERS = {"referrer-policy": "no-referrer", "cache-control": "no-store"}


@links_router.get("/s/{token}", include_in_schema=False)
async def open_link(
    token: Annotated[str, Path(pattern=TOKEN_FORM)], request: Request, db: AsyncDb, settings: CurrentSettings
) -> Response:
    """Let this browser see what the link is for; one that opens nothing (any more) leads to the same page as nonsense."""
    grant = await db.scalar(link_grant(token_hash(token)))
    if grant is None:
        return RedirectResponse(f"/c/{NOWHERE}", status_code=303, headers=HEADERS)
    response = RedirectResponse(f"/c/{grant.conversation_id}", status_code=303, headers=HEADERS)
    kept = [link for link in request.cookies.get(LINKS_COOKIE, "").split(".") if link not in ("", token)]
    response.set_cookie(
        LINKS_COOKIE,
        ".".join([token, *kept][:MOST_LINKS]),
        max_age=KEPT_SECONDS,
        httponly=True,
        samesite="lax",
        secure=is_secure(request, settings),
    )
    return response
