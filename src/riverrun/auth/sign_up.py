"""Who may make an account: everybody, who is invited, or nobody. The first account is the administrator's."""

from typing import Literal

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.auth.errors import SignUpRefused
from riverrun.auth.invitation_statements import accept_invitations, open_invitations
from riverrun.auth.sign_in import ADMINISTRATOR_EMAIL
from riverrun.auth.tokens import token_hash
from riverrun.kit.clock import now
from riverrun.kit.email_address import normal_email
from riverrun.users.errors import EmailTaken
from riverrun.users.invitations import Invitation
from riverrun.users.models import User
from riverrun.users.user_service import AsyncUserService

SignUpMode = Literal["open", "invite", "closed"]
LOCK_KEY = 0x52525349
"""Any number of our own: two that sign up at once take turns, so that one of them is the first."""


class AsyncSignUp:
    """Makes accounts, in the request's transaction."""

    def __init__(self, session: AsyncSession, mode: SignUpMode) -> None:
        self._session = session
        self._mode = mode

    async def find_invitation(self, token: str) -> Invitation | None:
        """The invitation that a link opens, while it is valid."""
        return await self._session.scalar(
            open_invitations().where(Invitation.token_hash == token_hash(token))
        )

    async def admit(self, email: str, invitation: Invitation | None = None, *, proven: bool = False) -> None:
        """Say whether there may be an account for the address; ``proven`` when it is known to be the caller's.

        Raises:
            EmailTaken: it is the local operator's, for whom it is kept even where there is no such account yet.
            SignUpRefused: it was not invited, or nobody may sign up.
        """
        if normal_email(email) == ADMINISTRATOR_EMAIL:
            raise EmailTaken("The account with this address is that of whoever runs this server.")
        if self._mode == "open" or await self.is_first():
            return
        if self._mode == "closed":
            raise SignUpRefused("This server takes no new accounts.")
        if invitation is None and proven:
            invitation = await self._invitation_of(email)
        if invitation is None or invitation.email != normal_email(email):
            raise SignUpRefused("Ask an administrator of this server for an invitation to this address.")

    async def create(
        self, email: str, display_name: str, invitation: Invitation | None = None, *, proven: bool = False
    ) -> User:
        """A new account, with what its invitations promise.

        An address that was invited by a link is as good as verified: the link was sent there, or handed over by
        whoever answers for it.

        Raises:
            SignUpRefused: as ``admit``.
            EmailTaken: there is one.
        """
        await self._session.execute(select(func.pg_advisory_xact_lock(LOCK_KEY)))
        if invitation is not None:  # while the password was hashed it may have been taken back
            still = open_invitations().where(Invitation.id == invitation.id).with_for_update()
            invitation = await self._session.scalar(still)
        await self.admit(email, invitation, proven=proven)
        is_first = await self.is_first()
        is_verified = proven or (invitation is not None and invitation.email == normal_email(email))
        user = await AsyncUserService(self._session).create_user(
            email, display_name, now() if is_verified else None, is_first
        )
        if is_verified:
            await self._session.execute(accept_invitations(user.id, user.email))
        return user

    async def is_first(self) -> bool:
        """Whether the next account is the administrator's: nobody has one yet, and the local operator has not come in.

        A server whose operator works in it would else be whoever's comes by first.
        """
        in_use = or_(User.email != ADMINISTRATOR_EMAIL, User.last_login_at.is_not(None))
        return await self._session.scalar(select(User.id).where(in_use).limit(1)) is None

    async def _invitation_of(self, email: str) -> Invitation | None:
        mine = open_invitations().where(Invitation.email == normal_email(email))
        return await self._session.scalar(mine.limit(1))
