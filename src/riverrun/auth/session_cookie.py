"""The cookie of a browser's session."""

from urllib.parse import urlsplit

from fastapi import Request, Response

from riverrun.auth.dependencies import SESSION_COOKIE
from riverrun.auth.session_tokens import SESSION_LIFETIME
from riverrun.infra.settings import Settings


def set_session_cookie(response: Response, request: Request, settings: Settings, token: str) -> None:
    """Hand the browser its session; no script can read it, and no other site's page sends it with a write."""
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=int(SESSION_LIFETIME.total_seconds()),
        httponly=True,
        samesite="lax",
        secure="https" in (request.url.scheme, urlsplit(settings.base_url).scheme),
    )
