"""What the API does with organisations, in the request's transaction. Workers need none of it: there is no sync twin."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.auth import organisation_statements as statements
from riverrun.auth.errors import AlreadyMember, LastOwner, TooManyMembers, TooManyOrganisations
from riverrun.auth.principal import Principal
from riverrun.auth.revocations import Revocation
from riverrun.kit.problem import Forbidden, NotFound
from riverrun.users.invitations import Invitation
from riverrun.users.models import User
from riverrun.users.organisations import Organisation, OrganisationMember, OrganisationRole
from riverrun.users.user_statements import hold

MOST_MEMBERS = 10_000
STRONGEST_FIRST = tuple(OrganisationRole)


class Membership(NamedTuple):
    """An organisation, and what somebody is in it."""

    organisation: Organisation
    role: OrganisationRole


class Member(NamedTuple):
    """Somebody in an organisation."""

    place: OrganisationMember
    user: User


class AsyncOrganisationService:
    """Makes organisations and changes who is in them, for one principal.

    Whoever is not a member learns nothing: every method raises ``NotFound`` for them, and ``Forbidden`` for members whose
    role does not suffice. Nobody gives or takes a role above their own.
    """

    def __init__(self, session: AsyncSession, principal: Principal) -> None:
        self._session = session
        self._principal = principal

    async def create(self, name: str) -> Organisation:
        """A new organisation, which the principal owns.

        Raises:
            TooManyOrganisations: the principal is in a hundred already.
        """
        if not await self._has_a_place_left(self._principal.user_id):
            raise TooManyOrganisations(
                f"You are in {statements.MOST_ORGANISATIONS} organisations: leave one first."
            )
        organisation = Organisation(name=name)
        self._session.add(organisation)
        await self._session.flush()
        self._add(organisation.id, self._principal.user_id, OrganisationRole.OWNER)
        return organisation

    async def list(self) -> Sequence[Membership]:
        """The principal's organisations, by name."""
        rows = await self._session.execute(statements.organisations_of(self._principal.user_id))
        return [Membership(organisation, OrganisationRole(role)) for organisation, role in rows]

    async def members(self, organisation_id: UUID) -> Sequence[Member]:
        """Everybody in it, in the order of joining."""
        await self.require(organisation_id, OrganisationRole.MEMBER)
        rows = await self._session.execute(statements.members_of(organisation_id))
        return [Member(place, user) for place, user in rows]

    async def require(self, organisation_id: UUID, role: OrganisationRole) -> OrganisationRole:
        """The principal's role, which is at least ``role``."""
        place = await self._place_of(self._principal.user_id, organisation_id)
        mine = OrganisationRole(place.role)
        if not _reaches(mine, role):
            raise Forbidden(f"Only an organisation's {role}s may do that; you are its {mine}.")
        return mine

    async def add(self, organisation_id: UUID, email: str, role: OrganisationRole) -> User | None:
        """Let the account with this verified address in; none when nobody here has it.

        Raises:
            AlreadyMember: it is in it. Change its role instead.
            TooManyMembers: ten thousand are.
            TooManyOrganisations: the account is in a hundred organisations already.
        """
        await self._begin_change(organisation_id, _role_to_give(role))
        user = await self._session.scalar(statements.proven_owner_of(email))
        if user is None:
            return None
        if await self._session.scalar(statements.place_in(organisation_id, user.id)) is not None:
            raise AlreadyMember("They are a member already: change their role instead.")
        if (await self._session.scalar(statements.count_of_members(organisation_id)) or 0) >= MOST_MEMBERS:
            raise TooManyMembers(f"An organisation has at most {MOST_MEMBERS:,} members.")
        if not await self._has_a_place_left(user.id):
            raise TooManyOrganisations(
                f"{user.email} is in {statements.MOST_ORGANISATIONS} organisations: they have to leave one first."
            )
        self._add(organisation_id, user.id, role)
        return user

    async def change_role(self, organisation_id: UUID, user_id: UUID, role: OrganisationRole) -> None:
        """Make a member something else. Whom they have invited, and who still waits, is invited no more.

        Raises:
            LastOwner: nobody would own the organisation.
        """
        await self._begin_change(organisation_id, _role_to_give(role))
        place = await self._place_of(user_id, organisation_id)
        await self.require(organisation_id, OrganisationRole(place.role))
        if place.role == OrganisationRole.OWNER != role:
            await self._refuse_without_owner(organisation_id)
        place.role = role
        await self._session.execute(statements.withdraw_invitations_of(organisation_id, user_id))

    async def remove(self, organisation_id: UUID, user_id: UUID) -> None:
        """Take a member out; everybody may leave. What was shared with the organisation is theirs to see no more.

        Whom they have invited, and who still waits, is invited no more: it would be a way back.

        Raises:
            LastOwner: nobody would own the organisation.
        """
        is_leaving = user_id == self._principal.user_id
        await self._begin_change(
            organisation_id, OrganisationRole.MEMBER if is_leaving else OrganisationRole.ADMIN
        )
        place = await self._place_of(user_id, organisation_id)
        await self.require(organisation_id, OrganisationRole(place.role))
        if place.role == OrganisationRole.OWNER:
            await self._refuse_without_owner(organisation_id)
        await self._session.delete(place)
        await self._session.execute(statements.withdraw_invitations_of(organisation_id, user_id))
        self._session.add(Revocation(user_id=user_id))

    async def invitations(self, organisation_id: UUID) -> Sequence[Invitation]:
        """Whom owners and admins have invited, and who is still to come; the newest first."""
        await self.require(organisation_id, OrganisationRole.ADMIN)
        return (await self._session.scalars(statements.waiting_invitations(organisation_id))).all()

    async def withdraw_invitation(self, organisation_id: UUID, invitation_id: UUID) -> None:
        """Take an invitation back: its link opens nothing any more. Only an owner takes back one to become an owner.

        Raises:
            NotFound: there is none that waits.
        """
        await self.require(organisation_id, OrganisationRole.ADMIN)
        waiting = statements.waiting_invitations(organisation_id).where(Invitation.id == invitation_id)
        invitation = await self._session.scalar(waiting.with_for_update())
        if invitation is None:
            raise NotFound
        if invitation.role is not None:
            await self.require(organisation_id, _role_to_give(OrganisationRole(invitation.role)))
        await self._session.delete(invitation)

    async def delete(self, organisation_id: UUID) -> None:
        """Delete it. What was shared with it is shared with its members no more."""
        await self._begin_change(organisation_id, OrganisationRole.OWNER)
        await self._session.execute(statements.note_revocation_of_all(organisation_id))
        await self._session.delete(await self._session.get_one(Organisation, organisation_id))

    async def _begin_change(self, organisation_id: UUID, needed: OrganisationRole) -> None:
        """Changes come one at a time, so that each finds who the others left."""
        await self._session.execute(statements.lock_of(organisation_id))
        await self.require(organisation_id, needed)

    async def _place_of(self, user_id: UUID, organisation_id: UUID) -> OrganisationMember:
        place = await self._session.scalar(statements.place_in(organisation_id, user_id))
        if place is None:
            raise NotFound
        return place

    async def _refuse_without_owner(self, organisation_id: UUID) -> None:
        if await self._session.scalar(statements.count_of_owners(organisation_id)) == 1:
            raise LastOwner("They are its only owner: make somebody else an owner first, or delete it.")

    async def _has_a_place_left(self, user_id: UUID) -> bool:
        """Their account is held: of two who would take the last place the second one counts the first."""
        await self._session.execute(hold(user_id))
        places = await self._session.scalar(select(statements.count_of_places(user_id)))
        return (places or 0) < statements.MOST_ORGANISATIONS

    def _add(self, organisation_id: UUID, user_id: UUID, role: OrganisationRole) -> None:
        self._session.add(OrganisationMember(organisation_id=organisation_id, user_id=user_id, role=role))


def _role_to_give(role: OrganisationRole) -> OrganisationRole:
    """What one must be to make somebody ``role``."""
    return OrganisationRole.OWNER if role is OrganisationRole.OWNER else OrganisationRole.ADMIN


def _reaches(role: OrganisationRole, other: OrganisationRole) -> bool:
    return STRONGEST_FIRST.index(role) <= STRONGEST_FIRST.index(other)
