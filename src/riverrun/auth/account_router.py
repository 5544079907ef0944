"""One's own account: who one is, the password, the address, and where one is signed in."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from riverrun.auth.account_schemas import Account, GivenPassword, Membership, ProvidersView, SessionView
from riverrun.auth.address_proof import verify_address
from riverrun.auth.auth_router import OneTimeToken
from riverrun.auth.dependencies import CurrentPrincipal
from riverrun.auth.linked_providers import AsyncLinkedProviders
from riverrun.auth.mailed_links import AsyncMailedLinks, offer_password_reset
from riverrun.auth.models import TokenKind
from riverrun.auth.password_reset import AsyncPasswordChange
from riverrun.auth.request_rates import PASSWORD_RESET_RATE, CurrentLoginRate, limit_links_to
from riverrun.auth.session_tokens import AsyncTokenService
from riverrun.infra.dependencies import AsyncDb, CurrentResources
from riverrun.kit.email_address import EmailAddress
from riverrun.notifications.dependencies import CurrentMailRoom
from riverrun.users import user_statements
from riverrun.users.models import User

account_router = APIRouter(prefix="/api/v1", tags=["account"])


class NewPassword(BaseModel):
    """``old_password`` is needed where the account has one."""

    old_password: GivenPassword | None = None
    new_password: GivenPassword


class ForgottenPassword(BaseModel):
    """Whose password was forgotten."""

    email: EmailAddress


class ResetPassword(OneTimeToken):
    """The token of a reset link, and the password to set."""

    password: GivenPassword


@account_router.get("/account/me")
async def get_my_account(principal: CurrentPrincipal, db: AsyncDb) -> Account:
    """Who is signed in, and by what ways they may be."""
    user = await db.get_one(User, principal.user_id)
    ways_in = ProvidersView.of(await AsyncLinkedProviders(db).list(user.id))
    memberships = await db.execute(user_statements.memberships_of(user.id))
    places = [Membership(id=place, name=name, role=role) for place, name, role in memberships]
    return Account(
        **dict(ways_in),
        user_id=user.id,
        email=user.email,
        email_verified=user.email_verified_at is not None,
        display_name=user.display_name,
        is_administrator=user.is_administrator,
        created_at=user.created_at,
        organizations=places,
        organization=places[0].id if places else None,
        organization_name=places[0].name if places else None,
    )


@account_router.post("/account/password", status_code=204)
async def change_my_password(
    given: NewPassword,
    principal: CurrentPrincipal,
    db: AsyncDb,
    resources: CurrentResources,
    rate: CurrentLoginRate,
) -> None:
    """Set your password. You stay signed in here; your other sessions and bearer tokens end."""
    await rate.admit(principal.email)
    change = AsyncPasswordChange(db, resources.hashing)
    await change.change(principal, given.old_password, given.new_password)


@account_router.post("/password-reset", status_code=202, dependencies=[PASSWORD_RESET_RATE])
async def ask_for_a_password_reset(
    given: ForgottenPassword, resources: CurrentResources, mails: CurrentMailRoom
) -> None:
    """Have a link mailed by which to set a new password. The answer is the same, and as fast, whether the address has an
    account or not.
    """
    await limit_links_to(given.email, resources)
    offer_password_reset(given.email, resources, mails)


@account_router.post("/password-reset/confirm", status_code=204)
async def reset_password(given: ResetPassword, db: AsyncDb, resources: CurrentResources) -> None:
    """Set the password by the link's token. Every session of the account ends: sign in anew."""
    await AsyncPasswordChange(db, resources.hashing).reset(given.token, given.password)


@account_router.post("/email-verification", status_code=202, dependencies=[PASSWORD_RESET_RATE])
async def ask_for_a_verification(
    principal: CurrentPrincipal, db: AsyncDb, resources: CurrentResources, mails: CurrentMailRoom
) -> None:
    """Have a link mailed by which you prove that your address is yours. Nothing happens where that is known."""
    if principal.verified_email is None:
        await limit_links_to(principal.email, resources)
        await AsyncMailedLinks(db, mails, resources.settings).offer_verification(principal.email)


@account_router.post("/email-verification/confirm", status_code=204)
async def verify_my_address(given: OneTimeToken, principal: CurrentPrincipal, db: AsyncDb) -> None:
    """Prove your address by the link's token.

    The mail went to the address, but the account may be one that somebody else made with it: so whoever opens the link
    must be signed in to that account, or would vouch for a stranger.
    """
    await AsyncTokenService(db).spend_own(principal, given.token, TokenKind.EMAIL_VERIFICATION)
    await verify_address(db, principal.user_id)


@account_router.get("/account/sessions")
async def list_my_sessions(principal: CurrentPrincipal, db: AsyncDb) -> list[SessionView]:
    """Where you are signed in, the newest first."""
    sessions = await AsyncTokenService(db).list_sessions(principal)
    return [
        SessionView(
            id=session.id,
            kind=session.kind,
            name=session.name,
            created_at=session.created_at,
            last_used_at=session.last_used_at,
            expires_at=session.expires_at,
            is_current=session.id == principal.token_id,
        )
        for session in sessions
    ]


@account_router.delete("/account/sessions/{session_id}", status_code=204)
async def end_my_session(session_id: UUID, principal: CurrentPrincipal, db: AsyncDb) -> None:
    """Sign out somewhere else: the next request from there is refused, and its open streams end."""
    await AsyncTokenService(db).end_session(principal, session_id)
