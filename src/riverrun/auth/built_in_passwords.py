"""The built-in provider: passwords that this server keeps itself, hashed beside the event loop."""

from uuid import UUID

from sqlalchemy import Select, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningUpdate

from riverrun.auth.errors import WrongPassword
from riverrun.auth.identity import PASSWORD, Identity
from riverrun.auth.linked_providers import AsyncLinkedProviders
from riverrun.auth.passwords import (
    MOST_CHARS,
    Password,
    hash_password,
    matches,
    needs_new_hash,
    normal_password,
    require_good_password,
)
from riverrun.infra.dependencies import commit_now
from riverrun.infra.thread_bridge import ThreadBridge
from riverrun.kit.email_address import normal_email
from riverrun.users.models import User


class BuiltInPasswords:
    """A ``PasswordCheck``. No connection is held while a hash is computed: each verb ends the transaction first."""

    def __init__(self, session: AsyncSession, hashing: ThreadBridge) -> None:
        self._session = session
        self._hashing = hashing

    async def check(self, email: str, password: str) -> Identity:
        """Whose address and password these are. An account that is unknown or has no password costs the same work.

        Raises:
            WrongPassword: nobody's, or one that was changed while it was compared.
            TryAgainLater: too many sign in at once.
        """
        row = (await self._session.execute(_stored(email))).one_or_none()
        await commit_now(self._session)
        user, stored_hash = row if row is not None else (None, None)
        normal = normal_password(password)
        is_right = len(normal) <= MOST_CHARS and await self._hashing.run(matches, normal, stored_hash)
        if not is_right or user is None or stored_hash is None:
            raise WrongPassword("Address and password do not belong together.")
        new_hash = await self._hashing.run(hash_password, normal) if needs_new_hash(stored_hash) else None
        if await self._session.scalar(_hold(user.id, stored_hash, new_hash)) is None:
            raise WrongPassword("The password was changed in this moment: sign in with the new one.")
        return Identity(PASSWORD, str(user.id), user.email, user.email_verified_at is not None)

    async def has_one(self, email: str) -> bool:
        """Whether the account of this address has a password here."""
        row = (await self._session.execute(_stored(email))).one_or_none()
        await commit_now(self._session)
        return row is not None

    async def prepare(self, password: str, email: str) -> str:
        """The hash of a password that is to be ``email``'s owner's.

        Raises:
            WeakPassword: one that would be guessed.
            TryAgainLater: too many at once.
        """
        normal = require_good_password(password, email)
        await commit_now(self._session)
        return await self._hashing.run(hash_password, normal)

    async def store(self, user_id: UUID, new_hash: str) -> None:
        """Make it the user's password, and a way in if it was none."""
        values = {"user_id": user_id, "hash": new_hash, "changed_at": func.now()}
        stored = insert(Password).values(values)
        await self._session.execute(
            stored.on_conflict_do_update(
                index_elements=[Password.user_id],
                set_={"hash": stored.excluded.hash, "changed_at": stored.excluded.changed_at},
            )
        )
        await AsyncLinkedProviders(self._session).link(user_id, PASSWORD, str(user_id))


def _hold(user_id: UUID, old_hash: str, new_hash: str | None) -> Select[UUID] | ReturningUpdate[UUID]:
    """Keep the password as it is until the transaction ends, renewed by a hash of today's parameters if there is one.

    Else a session could be opened by an old password just after a new one had ended all sessions. No row comes back when
    it was changed meanwhile.
    """
    unchanged = (Password.user_id == user_id, Password.hash == old_hash)
    if new_hash is None:
        return select(Password.user_id).where(*unchanged).with_for_update(read=True)
    return update(Password).where(*unchanged).values(hash=new_hash).returning(Password.user_id)


def _stored(email: str) -> Select[User, str]:
    return (
        select(User, Password.hash)
        .join(Password, Password.user_id == User.id)
        .where(User.email == normal_email(email))
    )
