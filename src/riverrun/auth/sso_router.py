"""Coming in by another identity provider: a browser that goes there and back, or a program that brings an ID token."""

import hashlib
import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.auth.browser_sign_in import BrowserSignIn, ProviderAnswer
from riverrun.auth.devices import device_of
from riverrun.auth.identity import Identity
from riverrun.auth.login_flows import LIFETIME_SECONDS, LoginFlows
from riverrun.auth.models import TokenKind
from riverrun.auth.page_links import Errand, link_to
from riverrun.auth.request_rates import CurrentLoginRate
from riverrun.auth.session_cookie import is_secure, open_session, set_session_cookie
from riverrun.auth.session_tokens import AsyncTokenService
from riverrun.auth.spent_id_tokens import spend_id_token
from riverrun.auth.sso_providers import CurrentSsoProviders
from riverrun.auth.sso_schemas import SsoLogin, SsoOutcome, SsoProviderView
from riverrun.auth.unified_auth_service import NeedsLinking, UnifiedAuthService
from riverrun.infra.dependencies import AsyncDb, CurrentResources, CurrentSettings
from riverrun.infra.problem_handlers import respond
from riverrun.infra.settings import Settings
from riverrun.kit.problem import BadRequest, NotSignedIn, Problem
from riverrun.kit.storable_text import StorableText

PREFIX = "/api/v1/sso"
BROWSER_COOKIE = "riverrun_oidc"
"""What the cookies of all flows begin with: each flow has its own, so that none disturbs another tab's."""
MOST_FLOWS = 10
"""How many one browser may have under way: it sends all their cookies with each of its requests here."""
NO_TRACES = {"referrer-policy": "no-referrer", "cache-control": "no-store"}
"""What is in these addresses is nobody else's business."""
Returned = Annotated[StorableText | None, Query(max_length=4_000)]

sso_router = APIRouter(prefix=PREFIX, tags=["auth"])


async def get_browser_sign_in(
    provider: str, providers: CurrentSsoProviders, resources: CurrentResources
) -> BrowserSignIn:
    """The way to the provider that the path names.

    Raises:
        NotFound: there is none to which browsers can be sent.
    """
    redirect_uri = f"{resources.settings.base_url}{PREFIX}/{provider}/callback"
    flow = providers.get_browser_flow(provider)
    return BrowserSignIn(provider, flow, LoginFlows(resources.redis), redirect_uri)


CurrentBrowserSignIn = Annotated[BrowserSignIn, Depends(get_browser_sign_in)]


@sso_router.get("/providers")
async def list_sso_providers(providers: CurrentSsoProviders) -> list[SsoProviderView]:
    """By which other providers a browser may sign in here."""
    return [
        SsoProviderView(name=name, label=one.label, start_path=f"{PREFIX}/{name}/start")
        for name, one in providers.browser_flows.items()
    ]


@sso_router.get("/{provider}/start")
async def start_sso(
    request: Request,
    way: CurrentBrowserSignIn,
    rate: CurrentLoginRate,
    settings: CurrentSettings,
    next_path: Annotated[StorableText, Query(alias="next")] = "/",
) -> Response:
    """Send the browser to the provider; it comes back signed in, to ``next``, a path of this server."""
    await rate.admit_network()
    url, keys = await way.begin(next_path)
    response = RedirectResponse(url, status_code=303, headers=NO_TRACES)
    terms = _cookie_terms(request, settings)
    response.set_cookie(_cookie_of(keys.state), keys.browser, max_age=LIFETIME_SECONDS, **terms)
    for name in _flow_cookies(request)[: 1 - MOST_FLOWS]:
        response.delete_cookie(name, **terms)
    return response


@sso_router.get("/{provider}/callback")
async def finish_sso(
    request: Request,
    way: CurrentBrowserSignIn,
    rate: CurrentLoginRate,
    db: AsyncDb,
    settings: CurrentSettings,
    state: Annotated[StorableText, Query(max_length=200)] = "",
    code: Returned = None,
    iss: Returned = None,
    error: Returned = None,
) -> Response:
    """Where the provider sends the browser back: a session cookie, and on to where the browser wanted to go.

    A browser that is refused is shown the page, which says why; a program gets the problem.
    """
    cookie = _cookie_of(state)
    try:
        await rate.admit_network()
        answer = ProviderAnswer(state, code, iss, error)
        identity, next_path = await way.finish(answer, request.cookies.get(cookie, ""))
        response = await _let_browser_in(identity, next_path, request, db, settings)
    except Problem as problem:
        await db.rollback()
        response = _refuse(request, problem)
    if cookie in request.cookies:
        response.delete_cookie(cookie, **_cookie_terms(request, settings))
    return response


@sso_router.post(
    "/login",
    responses={
        202: {"model": SsoOutcome, "description": "A new account, or one whose owner is to be asked."}
    },
)
async def log_in_by_id_token(
    given: SsoLogin,
    request: Request,
    response: Response,
    providers: CurrentSsoProviders,
    rate: CurrentLoginRate,
    db: AsyncDb,
    settings: CurrentSettings,
) -> SsoOutcome:
    """Exchange a provider's ID token for a session; each token works once. 200 when signed in, else 202 with what is new."""
    await rate.admit_network()
    provider = providers.by_name.get(given.sso_provider)
    if provider is None:
        raise BadRequest(
            "This server has no identity provider of this name: /api/v1/sso/providers lists them."
        )
    identity = await provider.identify(given.id_token)
    if given.email not in (None, identity.email):
        raise NotSignedIn("The ID token is of another address than the one that you name.")
    await spend_id_token(db, given.id_token)
    outcome = await UnifiedAuthService(db, settings.sign_up).sign_in(identity)
    if isinstance(outcome, NeedsLinking):
        response.status_code = 202
        return SsoOutcome.waiting(outcome, identity)
    response.status_code = 202 if outcome.is_new else 200
    return SsoOutcome.signed_in(outcome, await open_session(db, outcome.user.id, request, response, settings))


async def _let_browser_in(
    identity: Identity, next_path: str, request: Request, db: AsyncSession, settings: Settings
) -> Response:
    outcome = await UnifiedAuthService(db, settings.sign_up).sign_in(identity)
    if isinstance(outcome, NeedsLinking):
        return _go_to(link_to("", Errand.LINKING, outcome.token))
    device = device_of(request.headers.get("user-agent", ""))
    token = await AsyncTokenService(db).open(outcome.user.id, TokenKind.SESSION, device)
    response = _go_to(next_path)
    set_session_cookie(response, request, settings, token)
    return response


def _refuse(request: Request, problem: Problem) -> Response:
    if "text/html" in request.headers.get("accept", ""):
        return _go_to(link_to("", Errand.REFUSED, problem.type_uri().rpartition("/")[2]))
    return respond(problem)


def _go_to(path: str) -> Response:
    return RedirectResponse(path, status_code=303, headers=NO_TRACES)


def _cookie_of(state: str) -> str:
    """The name of a flow's cookie. The state is hashed: it may be anybody's making, and it is a key."""
    return f"{BROWSER_COOKIE}_{hashlib.sha256(state.encode()).hexdigest()[:12]}"


def _flow_cookies(request: Request) -> list[str]:
    """The cookies of the flows that the browser has under way; browsers send the oldest first (RFC 6265, 5.4)."""
    return [name for name in request.cookies if re.fullmatch(rf"{BROWSER_COOKIE}_[0-9a-f]{{12}}", name)]


def _cookie_terms(request: Request, settings: Settings) -> dict[str, Any]:
    """Lax: the way back from the provider is a link that is followed, and brings the cookie along."""
    return {"path": PREFIX, "httponly": True, "samesite": "lax", "secure": is_secure(request, settings)}
