"""Signing in by link, signing out, and who one is."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from riverrun.auth.dependencies import SESSION_COOKIE, CurrentPrincipal, refuse_foreign_origin
from riverrun.auth.session_tokens import SESSION_LIFETIME, AsyncTokenService
from riverrun.infra.dependencies import AsyncDb, CurrentSettings
from riverrun.kit.problem import NotSignedIn

auth_router = APIRouter(tags=["auth"])


class Account(BaseModel):
    """The signed-in user."""

    user_id: str
    email: str
    display_name: str
    is_administrator: bool


@auth_router.get("/sign-in", include_in_schema=False)
async def sign_in(
    request: Request, db: AsyncDb, settings: CurrentSettings, token: Annotated[str, Query(max_length=200)]
) -> Response:
    """Exchange the link's one-time token for a session cookie and show the page.

    A browser with a link that is used up is shown the page all the same: it says how to sign in.
    """
    try:
        session_token = await AsyncTokenService(db).redeem(token)
    except NotSignedIn:
        if "text/html" in request.headers.get("accept", ""):
            return RedirectResponse("/", status_code=303)
        raise
    response = RedirectResponse("/", status_code=303, headers={"referrer-policy": "no-referrer"})
    response.set_cookie(
        SESSION_COOKIE,
        session_token,
        max_age=int(SESSION_LIFETIME.total_seconds()),
        httponly=True,
        samesite="lax",
        secure="https" in (request.url.scheme, urlsplit(settings.base_url).scheme),
    )
    return response


@auth_router.post("/api/v1/logout", status_code=204)
async def logout(request: Request, db: AsyncDb) -> Response:
    """End this browser's session; signed out already is fine too."""
    response = Response(status_code=204)
    if token := request.cookies.get(SESSION_COOKIE):
        refuse_foreign_origin(request)
        await AsyncTokenService(db).revoke(token)
        response.delete_cookie(SESSION_COOKIE)
    return response


@auth_router.get("/api/v1/account/me")
async def get_my_account(principal: CurrentPrincipal) -> Account:
    """Who is signed in."""
    return Account(
        user_id=str(principal.user_id),
        email=principal.email,
        display_name=principal.display_name,
        is_administrator=principal.is_administrator,
    )
