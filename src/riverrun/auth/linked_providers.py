"""The ways in to an account: listed, linked, chosen as the usual one, taken away."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.auth.errors import LastWayIn, ProviderTaken
from riverrun.auth.identity import PASSWORD
from riverrun.auth.identity_links import UserAuthProvider
from riverrun.auth.passwords import Password
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.kit.problem import NotFound
from riverrun.users import user_statements


class AsyncLinkedProviders:
    """What the API does with the ways in, in the request's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, provider_type: str, provider_uid: str) -> UserAuthProvider | None:
        """The link of an identity, to whomever."""
        return await self._session.scalar(
            select(UserAuthProvider).where(
                UserAuthProvider.provider_type == provider_type, UserAuthProvider.provider_uid == provider_uid
            )
        )

    async def list(self, user_id: UUID) -> Sequence[UserAuthProvider]:
        """The user's, the oldest first."""
        return (await self._session.scalars(_of(user_id).order_by(UserAuthProvider.linked_at))).all()

    async def link(
        self, user_id: UUID, provider_type: str, provider_uid: str, data: dict[str, Any] | None = None
    ) -> UserAuthProvider:
        """Add a way in; the first is the usual one. The same again changes nothing.

        Raises:
            ProviderTaken: it is another account's, or the account has another of this type.
        """
        held = await self.hold(user_id)
        added: UserAuthProvider | None = await self._session.scalar(
            insert(UserAuthProvider)
            .values(
                id=new_uuid(),
                user_id=user_id,
                provider_type=provider_type,
                provider_uid=provider_uid,
                provider_data=data or {},
                is_primary=not held,
                linked_at=now(),
            )
            .on_conflict_do_nothing()
            .returning(UserAuthProvider)
        )
        if added is not None:
            return added
        there = await self.find(provider_type, provider_uid)
        if there is None or there.user_id != user_id:
            raise ProviderTaken("It belongs to another account, or yours has another of this kind.")
        return there

    async def set_primary(self, user_id: UUID, provider_type: str) -> None:
        """Make it the usual way in.

        Raises:
            NotFound: the account has no such.
        """
        if provider_type not in {link.provider_type for link in await self.hold(user_id)}:
            raise NotFound
        for chosen in (False, True):  # one after the other: at no time are there two
            await self._session.execute(
                update(UserAuthProvider)
                .where(
                    UserAuthProvider.user_id == user_id,
                    (UserAuthProvider.provider_type == provider_type).is_(chosen),
                )
                .values(is_primary=chosen)
            )

    async def unlink(self, user_id: UUID, provider_type: str) -> None:
        """Take a way in away. A password goes with its link.

        Raises:
            NotFound: the account has no such.
            LastWayIn: it has no other.
        """
        held = await self.hold(user_id)
        doomed = next((link for link in held if link.provider_type == provider_type), None)
        if doomed is None:
            raise NotFound
        rest = [link for link in held if link is not doomed]
        if not rest:
            raise LastWayIn(
                "It is the only way in to your account: link another one or set a password first."
            )
        await self._session.delete(doomed)
        await self._session.flush()
        if provider_type == PASSWORD:
            await self._session.execute(delete(Password).where(Password.user_id == user_id))
        if doomed.is_primary:
            await self.set_primary(user_id, rest[0].provider_type)

    async def hold(self, user_id: UUID) -> Sequence[UserAuthProvider]:
        """The ways in, while others who would change them wait: two that unlink at once must not take the last two."""
        await self._session.execute(user_statements.hold(user_id))
        return await self.list(user_id)


def _of(user_id: UUID) -> Select[UserAuthProvider]:
    return select(UserAuthProvider).where(UserAuthProvider.user_id == user_id)
