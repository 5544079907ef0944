"""Setting a password: by a link that went to the address, or by the one who is signed in."""

from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.auth import statements
from riverrun.auth.address_proof import verify_address
from riverrun.auth.api_keys import ApiKey
from riverrun.auth.built_in_passwords import BuiltInPasswords
from riverrun.auth.errors import WrongPassword
from riverrun.auth.identity import PASSWORD
from riverrun.auth.identity_links import PendingProviderLink, UserAuthProvider
from riverrun.auth.models import TokenKind
from riverrun.auth.passwords import Password
from riverrun.auth.principal import Principal
from riverrun.auth.session_tokens import AsyncTokenService
from riverrun.infra.thread_bridge import ThreadBridge
from riverrun.kit.problem import NotSignedIn
from riverrun.users import user_statements


class AsyncPasswordChange:
    """Sets passwords, and ends what the old one had opened."""

    def __init__(self, session: AsyncSession, hashing: ThreadBridge) -> None:
        self._session = session
        self._passwords = BuiltInPasswords(session, hashing)
        self._tokens = AsyncTokenService(session)

    async def change(self, owner: Principal, old: str | None, new: str) -> None:
        """Set the owner's password and end their other sessions. ``old`` is needed where there is one.

        Raises:
            WrongPassword: ``old`` is not it.
            WeakPassword: ``new`` would be guessed.
            NotSignedIn: the owner's session was ended in this moment.
        """
        if await self._session.scalar(select(Password.user_id).where(Password.user_id == owner.user_id)):
            if old is None:
                raise WrongPassword("Send your present password as well.")
            await self._passwords.check(owner.email, old)
        new_hash = await self._passwords.prepare(new, owner.email)
        await self._tokens.hold(owner)
        await self._passwords.store(owner.user_id, new_hash)
        await self._tokens.end_all(owner.user_id, but=owner.token_id)

    async def reset(self, token: str, new: str) -> None:
        """Set the password of whoever got the link, verify their address and end all their sessions.

        Where the address had not been verified, somebody else may have made the account: every other way in is closed
        with it, linked providers and API keys too.

        Raises:
            NotSignedIn: the link was used already, is too old, or never was one.
            WeakPassword: ``new`` would be guessed; the link can be used again.
        """
        given = statements.given_token(token, TokenKind.PASSWORD_RESET)
        user = await statements.USER_OF_TOKEN.first(self._session, given)
        if user is None:
            raise NotSignedIn("This link was used already or is too old: ask for a new one.")
        user_id = user["user_id"]
        new_hash = await self._passwords.prepare(new, user["email"])
        await self._session.execute(user_statements.hold(user_id))
        await self._tokens.spend(token, TokenKind.PASSWORD_RESET)
        if await verify_address(self._session, user_id):
            await self._close_other_ways_in(user_id)
        await self._passwords.store(user_id, new_hash)
        await self._tokens.end_all(user_id)

    async def _close_other_ways_in(self, user_id: UUID) -> None:
        await self._session.execute(delete(PendingProviderLink).where(PendingProviderLink.user_id == user_id))
        await self._session.execute(
            delete(UserAuthProvider).where(
                UserAuthProvider.user_id == user_id, UserAuthProvider.provider_type != PASSWORD
            )
        )
        await self._session.execute(
            update(ApiKey)
            .where(ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
            .values(revoked_at=func.now())
        )
