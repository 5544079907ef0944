"""Coming in and leaving: by password, by a link that works once, by a new account."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from riverrun.auth.account_schemas import DisplayName, GivenPassword
from riverrun.auth.built_in_passwords import BuiltInPasswords
from riverrun.auth.dependencies import SESSION_COOKIE, CurrentPrincipal, bearer_of, refuse_foreign_origin
from riverrun.auth.devices import device_of
from riverrun.auth.errors import LinkingNeeded
from riverrun.auth.mailed_links import AsyncMailedLinks
from riverrun.auth.models import TokenKind
from riverrun.auth.password_doors import PasswordDoors
from riverrun.auth.request_rates import SIGN_UP_RATE, CurrentLoginRate
from riverrun.auth.session_cookie import open_session, set_session_cookie
from riverrun.auth.session_tokens import AsyncTokenService
from riverrun.auth.sign_up import AsyncSignUp
from riverrun.auth.sso_providers import CurrentSsoProviders
from riverrun.auth.unified_auth_service import NeedsLinking, UnifiedAuthService
from riverrun.infra.dependencies import AsyncDb, CurrentResources, CurrentSettings, commit_now
from riverrun.kit.email_address import EmailAddress
from riverrun.kit.problem import NotSignedIn
from riverrun.kit.storable_text import StorableText
from riverrun.notifications.dependencies import CurrentMailRoom
from riverrun.users.user_service import AsyncUserService

auth_router = APIRouter(tags=["auth"])

Secret = Annotated[StorableText, Field(max_length=200)]
"""A token as its holder sends it."""


class Credentials(BaseModel):
    """An address and its password."""

    email: EmailAddress
    password: GivenPassword


class NewAccount(Credentials):
    """An account to be made; ``invitation`` is the token of an invitation's link."""

    display_name: DisplayName = Field(default="", alias="displayName")
    invitation: Secret | None = None


class OneTimeToken(BaseModel):
    """A token that works once."""

    token: Secret


class OpenedSession(BaseModel):
    """A bearer token for 30 days; null where a page of ours asked: it has a cookie instead."""

    token: str | None


class OpenedAccount(OpenedSession):
    """The new account, signed in. Until ``email_verified``, nothing that is shared with the address reaches it."""

    uid: str
    is_administrator: bool
    email_verified: bool


class CustomToken(BaseModel):
    """A token for an editor, good for one exchange within five minutes."""

    custom_token: str = Field(serialization_alias="customToken")


class SignInOptions(BaseModel):
    """What the page may offer to somebody who is not signed in."""

    sign_up: str
    """``open``, ``invite`` or ``closed``; ``first`` while the next account will be the administrator's."""
    sends_mail: bool


@auth_router.get("/sign-in", include_in_schema=False)
async def sign_in(
    request: Request, db: AsyncDb, settings: CurrentSettings, token: Annotated[str, Query(max_length=200)]
) -> Response:
    """Exchange the link's one-time token for a session cookie and show the page.

    A browser with a link that is used up is shown the page all the same: it says how to sign in.
    """
    device = device_of(request.headers.get("user-agent", ""))
    try:
        session_token = await AsyncTokenService(db).redeem(token, name=device)
    except NotSignedIn:
        if "text/html" in request.headers.get("accept", ""):
            return RedirectResponse("/", status_code=303)
        raise
    response = RedirectResponse("/", status_code=303, headers={"referrer-policy": "no-referrer"})
    set_session_cookie(response, request, settings, session_token)
    return response


@auth_router.get("/api/v1/sign-in-options")
async def get_sign_in_options(
    db: AsyncDb, settings: CurrentSettings, mails: CurrentMailRoom
) -> SignInOptions:
    """What somebody who is not signed in may do here."""
    is_first = await AsyncSignUp(db, settings.sign_up).is_first()
    return SignInOptions(sign_up="first" if is_first else settings.sign_up, sends_mail=mails.is_open)


@auth_router.post("/api/v1/login")
async def login(
    given: Credentials,
    request: Request,
    response: Response,
    db: AsyncDb,
    resources: CurrentResources,
    rate: CurrentLoginRate,
    providers: CurrentSsoProviders,
) -> OpenedSession:
    """Sign in by password: a session cookie for our own page, a bearer token for a program."""
    await rate.admit(given.email)
    passwords = PasswordDoors(BuiltInPasswords(db, resources.hashing), providers.passwords)
    identity = await passwords.check(given.email, given.password)
    settings = resources.settings
    outcome = await UnifiedAuthService(db, settings.sign_up).sign_in(identity)
    if isinstance(outcome, NeedsLinking):
        await commit_now(db)
        raise LinkingNeeded(
            "There is an account with this address: sign in to it in another way, and confirm the link.",
            linking_token=outcome.token,
            existing_providers=list(outcome.existing_providers),
        )
    return OpenedSession(token=await open_session(db, outcome.user.id, request, response, settings))


@auth_router.post("/api/v1/signup", status_code=201, dependencies=[SIGN_UP_RATE])
async def sign_up(
    new: NewAccount,
    request: Request,
    response: Response,
    db: AsyncDb,
    resources: CurrentResources,
    mails: CurrentMailRoom,
) -> OpenedAccount:
    """Make an account with a password, where the server's setting or an invitation allows it, and sign in to it.

    The first account is an administrator's. An address that was not invited by a link is to be verified by mail.
    """
    settings = resources.settings
    sign_ups, passwords = AsyncSignUp(db, settings.sign_up), BuiltInPasswords(db, resources.hashing)
    invitation = await sign_ups.find_invitation(new.invitation) if new.invitation else None
    await sign_ups.admit(new.email, invitation)
    new_hash = await passwords.prepare(new.password, new.email)
    user = await sign_ups.create(new.email, new.display_name, invitation)
    await passwords.store(user.id, new_hash)
    await AsyncUserService(db).update_last_login(user.id)
    if user.email_verified_at is None:
        await AsyncMailedLinks(db, mails, settings).offer_verification(user.email)
    return OpenedAccount(
        token=await open_session(db, user.id, request, response, settings),
        uid=str(user.id),
        is_administrator=user.is_administrator,
        email_verified=user.email_verified_at is not None,
    )


@auth_router.post("/api/v1/auth/custom-token")
async def make_custom_token(principal: CurrentPrincipal, db: AsyncDb) -> CustomToken:
    """A token by which an editor may sign in as you, once, within five minutes."""
    return CustomToken(custom_token=await AsyncTokenService(db).open_for_editor(principal))


@auth_router.post("/api/v1/auth/redeem")
async def redeem_custom_token(given: OneTimeToken, request: Request, db: AsyncDb) -> OpenedSession:
    """Exchange such a token for a bearer token."""
    device = device_of(request.headers.get("user-agent", ""))
    return OpenedSession(token=await AsyncTokenService(db).redeem(given.token, TokenKind.EDITOR, device))


@auth_router.post("/api/v1/logout", status_code=204)
async def logout(request: Request, db: AsyncDb) -> Response:
    """End this session and its open streams, a browser's or a program's; signed out already is fine too."""
    response = Response(status_code=204)
    if bearer := bearer_of(request):
        await AsyncTokenService(db).revoke(bearer)
    elif token := request.cookies.get(SESSION_COOKIE):
        refuse_foreign_origin(request)
        await AsyncTokenService(db).revoke(token)
        response.delete_cookie(SESSION_COOKIE)
    return response
