"""Opening a session: a cookie for our own pages, a bearer token for programs."""

from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.auth.dependencies import SESSION_COOKIE, refuse_foreign_origin
from riverrun.auth.devices import device_of
from riverrun.auth.models import TokenKind
from riverrun.auth.session_tokens import SESSION_LIFETIME, AsyncTokenService
from riverrun.infra.settings import Settings


async def open_session(
    session: AsyncSession, user_id: UUID, request: Request, response: Response, settings: Settings
) -> str | None:
    """Let a user in who has proven to be one. Our own page gets a cookie, which no script reads, and no token.

    Raises:
        Forbidden: another site's page sent the request.
    """
    tokens = AsyncTokenService(session)
    device = device_of(request.headers.get("user-agent", ""))
    if "origin" not in request.headers:
        return await tokens.open(user_id, TokenKind.BEARER, device)
    refuse_foreign_origin(request)
    token = await tokens.open(user_id, TokenKind.SESSION, device)
    set_session_cookie(response, request, settings, token)
    return None


def set_session_cookie(response: Response, request: Request, settings: Settings, token: str) -> None:
    """Hand the browser its session; no script can read it, and no other site's page sends it with a write."""
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=int(SESSION_LIFETIME.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=is_secure(request, settings),
    )


def is_secure(request: Request, settings: Settings) -> bool:
    """Whether browsers reach us by https, so that their cookies for us must not go by anything else."""
    return "https" in (request.url.scheme, urlsplit(settings.base_url).scheme)
