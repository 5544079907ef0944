"""Users: found and made, in the caller's transaction. The sync twin is for the command line."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from riverrun.kit.email_address import normal_email
from riverrun.users import user_statements
from riverrun.users.errors import EmailTaken
from riverrun.users.models import User


class UserService:
    """What the command line does with users."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get_user_by_email(self, email: str) -> User | None:
        """The user with this address, in whatever case it is written."""
        return self._session.scalar(user_statements.user_by_email(email))

    def create_user(
        self,
        email: str,
        display_name: str = "",
        email_verified_at: datetime | None = None,
        is_administrator: bool = False,
    ) -> User:
        """A new user, called by their address where no name is given.

        Raises:
            EmailTaken: the address has an account.
        """
        name = display_name or normal_email(email)
        added = user_statements.insert_user(email, name, email_verified_at, is_administrator)
        return _require_new(self._session.scalar(added))


class AsyncUserService:
    """What the API does with users."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get_user_by_uid(self, user_id: UUID) -> User | None:
        """The user with this id."""
        return await self._session.scalar(user_statements.user_by_uid(user_id))

    async def get_user_id_by_email(self, email: str) -> UUID | None:
        """The id of the user with this address, in whatever case it is written."""
        return await self._session.scalar(user_statements.user_id_by_email(email))

    async def get_user_by_email(self, email: str) -> User | None:
        """The user with this address, in whatever case it is written."""
        return await self._session.scalar(user_statements.user_by_email(email))

    async def get_user_ids_by_emails(self, emails: Iterable[str]) -> Mapping[str, UUID]:
        """The ids of those that have an account, by their addresses in lower case."""
        found = await self._session.execute(user_statements.user_ids_by_emails(emails))
        return dict(found.all())

    async def create_user(
        self,
        email: str,
        display_name: str = "",
        email_verified_at: datetime | None = None,
        is_administrator: bool = False,
    ) -> User:
        """A new user, called by their address where no name is given.

        Raises:
            EmailTaken: the address has an account.
        """
        name = display_name or normal_email(email)
        added = user_statements.insert_user(email, name, email_verified_at, is_administrator)
        return _require_new(await self._session.scalar(added))

    async def update_last_login(self, user_id: UUID) -> None:
        """Remember that the user was let in just now."""
        await self._session.execute(user_statements.note_login(user_id))


def _require_new(user: User | None) -> User:
    if user is None:
        raise EmailTaken("There is an account with this address: sign in to it, or reset its password.")
    return user
