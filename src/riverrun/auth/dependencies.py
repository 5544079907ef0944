"""The principal of a request: from a bearer token, or from the session cookie of our own pages."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request

from riverrun.auth.models import TokenKind
from riverrun.auth.principal import Principal, guest
from riverrun.auth.session_tokens import AsyncTokenService
from riverrun.auth.tokens import token_hash
from riverrun.infra.dependencies import AsyncDb
from riverrun.kit.problem import Forbidden, NotSignedIn

SESSION_COOKIE = "riverrun_session"
LINKS_COOKIE = "riverrun_links"
LINK_HEADER = "x-share-link"
MOST_LINKS = 20
READING = frozenset({"GET", "HEAD", "OPTIONS"})


async def get_principal(request: Request, db: AsyncDb) -> Principal:
    """Who asks. Where a router has let somebody in by another door before (``let_in``), that is who.

    Raises:
        NotSignedIn: no token, or one that opens nothing.
        Forbidden: a write with our cookie that another site's page sent.
    """
    principal: Principal | None = getattr(request.state, "admitted", None)
    if principal is None:
        if (door := _door_of(request)) is None:
            raise NotSignedIn("Send `Authorization: Bearer ...`, or sign in on the page.")
        principal = await AsyncTokenService(db).admit(*door, links_of(request))
        let_in(request, principal)  # who asks and who looks are the same: one query for both
    request.state.user_id = principal.user_id  # for the loop's monitor
    return principal


async def get_viewer(request: Request, db: AsyncDb) -> Principal:
    """Who looks: also somebody without an account, who holds a share link. For routes that change nothing.

    Raises:
        NotSignedIn: neither a token nor a link, or a token that opens nothing.
    """
    try:
        return await get_principal(request, db)
    except NotSignedIn:
        if "authorization" not in request.headers and (links := links_of(request)):
            return guest(links)
        raise


def let_in(request: Request, principal: Principal) -> None:
    """Let ``principal`` be who asks, for the rest of this request."""
    request.state.admitted = principal


def links_of(request: Request) -> tuple[str, ...]:
    """The hashes of the share links that the caller has opened (cookie) or names (header)."""
    cookie = request.cookies.get(LINKS_COOKIE, "").split(".")
    given = [request.headers.get(LINK_HEADER, ""), *cookie][: MOST_LINKS + 1]
    return tuple(token_hash(link) for link in given if link)


def bearer_of(request: Request) -> str:
    """The bearer token that the request carries; empty when it carries none."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    return bearer.strip() if scheme.lower() == "bearer" else ""


def _door_of(request: Request) -> tuple[str, TokenKind] | None:
    if bearer := bearer_of(request):
        return bearer, TokenKind.BEARER
    cookie = request.cookies.get(SESSION_COOKIE)
    if not cookie:
        return None
    if request.method not in READING:
        refuse_foreign_origin(request)
    return cookie, TokenKind.SESSION


def refuse_foreign_origin(request: Request) -> None:
    """A browser names the page's origin with each write; only our own pages may use the cookie."""
    origin = request.headers.get("origin")
    if origin is None or urlsplit(origin).netloc != request.headers.get("host"):
        raise Forbidden("This request was not sent by a page of this server.")


async def get_administrator(
    principal: Annotated[Principal, Depends(get_principal, scope="function")],
) -> Principal:
    """Who asks, for routes that run the server.

    Raises:
        Forbidden: no administrator.
    """
    if not principal.is_administrator:
        raise Forbidden("Only administrators of this server may do this.")
    return principal


CurrentPrincipal = Annotated[Principal, Depends(get_principal, scope="function")]
CurrentViewer = Annotated[Principal, Depends(get_viewer, scope="function")]
CurrentAdministrator = Annotated[Principal, Depends(get_administrator, scope="function")]
