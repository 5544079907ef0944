"""Invitations in the API: made, listed and taken back by whoever may."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.auth.tokens import new_token, token_hash
from riverrun.kit.clock import now
from riverrun.kit.email_address import normal_email
from riverrun.kit.problem import NotFound
from riverrun.users.errors import EmailTaken
from riverrun.users.invitations import Invitation
from riverrun.users.organisations import OrganisationRole
from riverrun.users.user_service import AsyncUserService

INVITATION_LIFETIME = timedelta(days=7)


def new_invitation(
    email: str,
    invited_by: UUID | None,
    organisation_id: UUID | None = None,
    role: OrganisationRole | None = None,
) -> tuple[Invitation, str]:
    """An invitation to be stored, and its link's token, which is never to be had again."""
    token = new_token()
    invitation = Invitation(
        email=normal_email(email),
        token_hash=token_hash(token),
        organisation_id=organisation_id,
        role=role,
        invited_by=invited_by,
        expires_at=now() + INVITATION_LIFETIME,
    )
    return invitation, token


class AsyncInvitations:
    """What the API does with invitations, in the request's transaction. Its caller sees to it who may."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def create(
        self,
        email: str,
        invited_by: UUID,
        organisation_id: UUID | None = None,
        role: OrganisationRole | None = None,
    ) -> tuple[Invitation, str]:
        """Invite an address, into an organisation if one is given; and its link's token. Earlier invitations stay valid.

        Raises:
            EmailTaken: it has an account.
        """
        if await AsyncUserService(self._session).get_user_id_by_email(email) is not None:
            raise EmailTaken("There is an account with this address already.")
        invitation, token = new_invitation(email, invited_by, organisation_id, role)
        self._session.add(invitation)
        await self._session.flush()
        return invitation, token

    async def list(self) -> Sequence[Invitation]:
        """All that still wait, the newest first."""
        newest_first = _waiting().order_by(Invitation.created_at.desc(), Invitation.id)
        return (await self._session.scalars(newest_first)).all()

    async def revoke(self, invitation_id: UUID) -> None:
        """Take it back.

        Raises:
            NotFound: there is none, or it was used.
        """
        invitation = await self._session.scalar(_waiting().where(Invitation.id == invitation_id))
        if invitation is None:
            raise NotFound
        await self._session.delete(invitation)


def _waiting() -> Select[Invitation]:
    return select(Invitation).where(Invitation.accepted_at.is_(None), Invitation.expires_at > func.now())
