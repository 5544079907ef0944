"""What the operator does with accounts on the server's own machine. Synchronous, for the command line."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from riverrun.auth import statements
from riverrun.auth.invitation_service import new_invitation
from riverrun.auth.invitation_statements import accept_invitations
from riverrun.auth.models import TokenKind
from riverrun.auth.revocations import Revocation
from riverrun.auth.tokens import new_token
from riverrun.kit.clock import now
from riverrun.users import user_statements
from riverrun.users.errors import EmailTaken
from riverrun.users.models import User
from riverrun.users.user_service import UserService

RESET_LIFETIME = timedelta(hours=12)


class LastAdministrator(Exception):
    """Nobody would be left to run the server; the message says what to do."""


class AccountAdministration:
    """Accounts by their addresses, in the caller's transaction. Verbs that change an unknown one raise ``LookupError``."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._users = UserService(session)

    def list(self) -> Sequence[User]:
        """All, the oldest first."""
        return self._session.scalars(select(User).order_by(User.created_at, User.id)).all()

    def add(self, email: str, display_name: str, *, is_administrator: bool) -> str:
        """An account whose address the operator vouches for, in the organisations that have invited it; the token of a link that
        sets its password.

        Raises:
            EmailTaken: the address has an account.
        """
        user = self._users.create_user(email, display_name, now(), is_administrator)
        self._session.execute(accept_invitations(user.id, user.email))
        return self.offer_password_reset(email)

    def invite(self, email: str) -> str:
        """The token of a link by which somebody makes an account themselves.

        Raises:
            EmailTaken: the address has an account.
        """
        if self._users.get_user_by_email(email) is not None:
            raise EmailTaken("There is an account with this address already.")
        invitation, token = new_invitation(email, invited_by=None)
        self._session.add(invitation)
        return token

    def offer_password_reset(self, email: str) -> str:
        """The token of a link that sets the password, valid for twelve hours."""
        user = self._find(email)
        token = new_token()
        self._session.execute(
            statements.insert_token(user.id, TokenKind.PASSWORD_RESET, token, lifetime=RESET_LIFETIME)
        )
        return token

    def disable(self, email: str) -> None:
        """Let the account in by no door, and end its open streams. Nothing of it is deleted.

        Raises:
            LastAdministrator: no other account that is open may run the server.
        """
        user = self._find(email)
        if user.is_administrator and not self._has_other_administrators(user):
            raise LastAdministrator(
                f"{email} is the only administrator: make another one first, with riverrun users make-admin"
            )
        user.disabled_at = user.disabled_at or now()
        self._session.add(Revocation(user_id=user.id))

    def enable(self, email: str) -> None:
        """Open it again: sessions and keys that are still valid work as before."""
        self._find(email).disabled_at = None

    def verify(self, email: str) -> None:
        """Vouch for the address, where no mail can prove it, and let the account in where it was invited.

        Also where it was verified before: an earlier release left such invitations waiting.
        """
        user = self._find(email)
        self._session.execute(user_statements.verify(user.id))
        self._session.execute(accept_invitations(user.id, user.email))

    def make_administrator(self, email: str) -> None:
        """Let the user run the server."""
        self._find(email).is_administrator = True

    def _has_other_administrators(self, user: User) -> bool:
        others = select(User.id).where(User.is_administrator, User.disabled_at.is_(None), User.id != user.id)
        return self._session.scalar(others.limit(1)) is not None

    def _find(self, email: str) -> User:
        user = self._users.get_user_by_email(email)
        if user is None:
            raise LookupError(f"nobody has the address {email}")
        return user
