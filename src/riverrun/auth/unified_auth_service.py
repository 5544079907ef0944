"""From a proven identity to an account: signed in, new, or to be linked by the account's owner. Nothing is ever deleted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Delete, delete, func
from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.auth.address_proof import verify_address
from riverrun.auth.errors import AccountDisabled, AddressNotVerified, ProviderTaken
from riverrun.auth.identity import Identity
from riverrun.auth.identity_links import PendingProviderLink, UserAuthProvider
from riverrun.auth.linked_providers import AsyncLinkedProviders
from riverrun.auth.principal import Principal
from riverrun.auth.session_tokens import AsyncTokenService
from riverrun.auth.sign_up import AsyncSignUp, SignUpMode
from riverrun.auth.tokens import new_token, token_hash
from riverrun.kit.clock import now
from riverrun.kit.email_address import normal_email
from riverrun.kit.problem import NotFound, NotSignedIn
from riverrun.users.models import User
from riverrun.users.user_service import AsyncUserService

LINKING_LIFETIME = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The account is the caller's: open a session for it."""

    user: User
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class NeedsLinking:
    """The address has an account that does not know this provider. Open no session.

    Whoever is signed in to that account makes the link with ``token``, within fifteen minutes; a browser is sent to the
    page with it (``Errand.LINKING``).
    """

    user: User
    token: str
    existing_providers: Sequence[str]


class UnifiedAuthService:
    """What an identity may do here, in the request's transaction. No worker signs anybody in: there is no sync twin."""

    def __init__(self, session: AsyncSession, sign_up_mode: SignUpMode) -> None:
        self._session = session
        self._providers = AsyncLinkedProviders(session)
        self._sign_up = AsyncSignUp(session, sign_up_mode)

    async def sign_in(self, identity: Identity) -> SignedIn | NeedsLinking:
        """Whose account it is. Links are followed first; an address counts only when the provider vouches for it.

        Raises:
            AccountDisabled: an administrator closed it.
            NotSignedIn: the link was taken away in this moment.
            AddressNotVerified: no link, and an address that the provider does not vouch for, or none.
            ProviderTaken: the address' account has another identity of this provider.
            SignUpRefused: no account, and none may be made.
        """
        link = await self._providers.find(identity.provider_type, identity.provider_uid)
        if link is not None:
            return SignedIn(await self._let_in(link, identity))
        email = _verified_email(identity)
        owner = await AsyncUserService(self._session).get_user_by_email(email)
        if owner is not None:
            return await self._ask_owner(owner, identity)
        user = await self._sign_up.create(email, identity.display_name, proven=True)
        await self._providers.link(
            user.id, identity.provider_type, identity.provider_uid, dict(identity.data)
        )
        await AsyncUserService(self._session).update_last_login(user.id)
        return SignedIn(user, is_new=True)

    async def confirm_linking(self, principal: Principal, token: str) -> UserAuthProvider:
        """Make the identity that waits a way in to the caller's account, and the account's address a verified one.

        Raises:
            NotFound: no such token, too old, or it waits for another account's owner.
            ProviderTaken: meanwhile it belongs to another account.
            NotSignedIn: the caller's session was ended in this moment.
        """
        await AsyncTokenService(self._session).hold(principal)
        taken = (
            delete(PendingProviderLink)
            .where(
                PendingProviderLink.token_hash == token_hash(token),
                PendingProviderLink.user_id == principal.user_id,
                PendingProviderLink.expires_at > func.now(),
            )
            .returning(PendingProviderLink)
        )
        pending = await self._session.scalar(taken)
        if pending is None:
            raise NotFound
        linked = await self._providers.link(
            pending.user_id, pending.provider_type, pending.provider_uid, pending.provider_data
        )
        # It waited because the provider vouches for the account's address, and no account ever changes its address.
        await verify_address(self._session, pending.user_id)
        return linked

    async def cancel_linking(self, principal: Principal, token: str) -> None:
        """Let go of the identity that waits.

        Raises:
            NotFound: no such token, or it waits for another account's owner.
        """
        dropped = (
            delete(PendingProviderLink)
            .where(
                PendingProviderLink.token_hash == token_hash(token),
                PendingProviderLink.user_id == principal.user_id,
            )
            .returning(PendingProviderLink.id)
        )
        if await self._session.scalar(dropped) is None:
            raise NotFound

    async def _let_in(self, link: UserAuthProvider, identity: Identity) -> User:
        if link not in await self._providers.hold(link.user_id):
            raise NotSignedIn("This way in was taken away in this moment.")
        user = _require_enabled(await self._session.get_one(User, link.user_id))
        if user.email_verified_at is None and _vouches_for(identity, user):
            await verify_address(self._session, user.id)
        link.last_used_at = now()
        await AsyncUserService(self._session).update_last_login(user.id)
        return user

    async def _ask_owner(self, owner: User, identity: Identity) -> NeedsLinking:
        _require_enabled(owner)
        existing = [link.provider_type for link in await self._providers.list(owner.id)]
        if identity.provider_type in existing:
            raise ProviderTaken(
                "The account with this address is linked to another identity of this provider."
            )
        await self._session.execute(_outdated())
        token = new_token()
        self._session.add(
            PendingProviderLink(
                user_id=owner.id,
                provider_type=identity.provider_type,
                provider_uid=identity.provider_uid,
                provider_data=dict(identity.data),
                token_hash=token_hash(token),
                expires_at=now() + LINKING_LIFETIME,
            )
        )
        await self._session.flush()
        return NeedsLinking(owner, token, existing)


def _verified_email(identity: Identity) -> str:
    if not identity.email or not identity.email_verified:
        raise AddressNotVerified(
            "The provider does not vouch for your e-mail address: verify it there first."
        )
    return identity.email


def _vouches_for(identity: Identity, user: User) -> bool:
    return identity.email_verified and normal_email(identity.email or "") == user.email


def _require_enabled(user: User) -> User:
    if user.disabled_at is not None:
        raise AccountDisabled("An administrator of this server has closed this account.")
    return user


def _outdated() -> Delete:
    return delete(PendingProviderLink).where(PendingProviderLink.expires_at < func.now())
