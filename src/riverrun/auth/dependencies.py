"""The principal of a request: from a bearer token, or from the session cookie of our own pages."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request

from riverrun.auth.models import TokenKind
from riverrun.auth.principal import Principal
from riverrun.auth.session_tokens import AsyncTokenService
from riverrun.infra.dependencies import AsyncDb
from riverrun.kit.problem import Forbidden, NotSignedIn

SESSION_COOKIE = "riverrun_session"
READING = frozenset({"GET", "HEAD", "OPTIONS"})


async def get_principal(request: Request, db: AsyncDb) -> Principal:
    """Who asks. Where a router has let somebody in by another door before (``let_in``), that is who.

    Raises:
        NotSignedIn: no token, or one that opens nothing.
        Forbidden: a write with our cookie that another site's page sent.
    """
    guest: Principal | None = getattr(request.state, "guest", None)
    if guest is not None:
        return guest
    token, kind = _token_of(request)
    user = await AsyncTokenService(db).user_of(token, kind)
    return Principal(user.id, user.email, user.display_name, user.is_administrator)


def let_in(request: Request, guest: Principal) -> None:
    """Let ``guest`` be who asks, for the rest of this request."""
    request.state.guest = guest


def _token_of(request: Request) -> tuple[str, TokenKind]:
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and bearer.strip():
        return bearer.strip(), TokenKind.BEARER
    cookie = request.cookies.get(SESSION_COOKIE)
    if not cookie:
        raise NotSignedIn("Send `Authorization: Bearer ...`, or open the sign-in link from `riverrun up`.")
    if request.method not in READING:
        refuse_foreign_origin(request)
    return cookie, TokenKind.SESSION


def refuse_foreign_origin(request: Request) -> None:
    """A browser names the page's origin with each write; only our own pages may use the cookie."""
    origin = request.headers.get("origin")
    if origin is None or urlsplit(origin).netloc != request.headers.get("host"):
        raise Forbidden("This request was not sent by a page of this server.")


CurrentPrincipal = Annotated[Principal, Depends(get_principal, scope="function")]
