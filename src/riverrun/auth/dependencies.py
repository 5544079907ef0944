"""The principal of a request: from a bearer token, or from the session cookie of our own pages."""

from collections.abc import Collection
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request

from riverrun.auth.api_keys import Scope
from riverrun.auth.errors import ScopeMissing
from riverrun.auth.grant_statements import opens_to_guests
from riverrun.auth.models import TokenKind
from riverrun.auth.principal import Principal, guest
from riverrun.auth.session_tokens import AsyncTokenService
from riverrun.auth.tokens import token_hash
from riverrun.infra.dependencies import AsyncDb
from riverrun.infra.resources import Resources
from riverrun.kit.problem import Forbidden, NotSignedIn

SESSION_COOKIE = "riverrun_session"
LINKS_COOKIE = "riverrun_links"
LINK_HEADER = "x-share-link"
MOST_LINKS = 20
READING = frozenset({"GET", "HEAD", "OPTIONS"})
DEFAULT_PORTS = {"http": 80, "https": 443}
Origin = tuple[str, str, int]


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


async def get_shown_viewer(
    viewer: Annotated[Principal, Depends(get_viewer, scope="function")], db: AsyncDb
) -> Principal:
    """Who looks, for routes that ask for no row: there nothing else finds out whether a guest's links open anything.

    Raises:
        NotSignedIn: as ``get_viewer``; or a guest whose links open nothing.
    """
    if viewer.is_guest and await db.scalar(opens_to_guests(viewer.links)) is None:
        raise NotSignedIn("This link opens nothing (any more): sign in, or ask for another one.")
    return viewer


def let_in(request: Request, principal: Principal, scopes: Collection[Scope] = tuple(Scope)) -> None:
    """Let ``principal`` be who asks, for the rest of this request; by a key for what its ``scopes`` are good for."""
    request.state.admitted = principal
    request.state.scopes = scopes


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
    """A browser names the page's origin with each write; only our own pages may use the cookie.

    A page that came without encryption is not ours where people come by https: anybody on the way may have written it.
    """
    origin = _origin_of(request.headers.get("origin", ""))
    if origin is None or origin != _own_origin(request):
        raise Forbidden(
            "This request was not sent by a page of this server. If it was, RIVERRUN_PUBLIC_URL must be the address that "
            "people use."
        )


def _own_origin(request: Request) -> Origin | None:
    """Where the page must come from: a proxy before us may speak https where we do not, which the public address knows."""
    resources: Resources = request.state.resources
    public, host = urlsplit(resources.settings.base_url), request.headers.get("host", "")
    as_public = _origin_of(f"{public.scheme}://{host}")
    is_public = as_public == _origin_of(f"{public.scheme}://{public.netloc}")
    return as_public if is_public else _origin_of(f"{request.url.scheme}://{host}")


def _origin_of(url: str) -> Origin | None:
    """Scheme, host and port, the scheme's own where none is named; none of what is no origin."""
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname and port else None


async def get_administrator(
    request: Request, principal: Annotated[Principal, Depends(get_principal, scope="function")]
) -> Principal:
    """Who asks, for routes that run the server.

    Raises:
        ScopeMissing: a key that is not good for this.
        Forbidden: no administrator.
    """
    if Scope.ADMINISTER not in request.state.scopes:
        needed = Scope.ADMINISTER
        raise ScopeMissing(f"This needs a key with the scope {needed}.", scope=needed)
    if not principal.is_administrator:
        raise Forbidden("Only administrators of this server may do this.")
    return principal


CurrentPrincipal = Annotated[Principal, Depends(get_principal, scope="function")]
CurrentViewer = Annotated[Principal, Depends(get_viewer, scope="function")]
CurrentShownViewer = Annotated[Principal, Depends(get_shown_viewer, scope="function")]
CurrentAdministrator = Annotated[Principal, Depends(get_administrator, scope="function")]
