"""Organisations over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from riverrun.auth.dependencies import CurrentPrincipal
from riverrun.auth.errors import NoSuchAccount
from riverrun.auth.invitation_service import new_invitation
from riverrun.auth.mailed_links import AsyncMailedLinks
from riverrun.auth.organisation_service import AsyncOrganisationService, Member
from riverrun.auth.principal import Principal
from riverrun.auth.request_rates import INVITATION_RATE
from riverrun.infra.dependencies import AsyncDb, CurrentSettings
from riverrun.infra.settings import Settings
from riverrun.kit.email_address import EmailAddress
from riverrun.kit.storable_text import STORABLE_NAME
from riverrun.notifications.dependencies import CurrentMailRoom
from riverrun.users.organisations import OrganisationRole

organisations_router = APIRouter(prefix="/api/v1/organisations", tags=["organisations"])

OrganisationName = Annotated[str, Field(min_length=1, max_length=100), STORABLE_NAME]


class NewOrganisation(BaseModel):
    """What it is called."""

    name: OrganisationName


class OrganisationView(BaseModel):
    """An organisation, and what the caller is in it."""

    id: UUID
    name: str
    role: OrganisationRole
    created_at: datetime


class NewMember(BaseModel):
    """Who is to be let in, and as what."""

    email: EmailAddress
    role: OrganisationRole = OrganisationRole.MEMBER


class AddedMember(BaseModel):
    """Who is in now, or is invited: then they are in as soon as they have an account with this address, and it is verified.

    Where this server sends no mail (``GET /api/v1/sign-in-options``), nobody tells them that they are invited.
    """

    email: str
    role: OrganisationRole
    user_id: UUID | None
    is_invited: bool


class MemberView(BaseModel):
    """Somebody in an organisation."""

    user_id: UUID
    email: str
    display_name: str
    role: OrganisationRole
    joined_at: datetime

    @classmethod
    def of(cls, member: Member) -> "MemberView":
        place, user = member
        return cls(
            user_id=user.id,
            email=user.email,
            display_name=user.display_name,
            role=OrganisationRole(place.role),
            joined_at=place.joined_at,
        )


class NewRole(BaseModel):
    """What the member is to be."""

    role: OrganisationRole


class WaitingInvitation(BaseModel):
    """Somebody who was invited into the organisation, and has not come yet."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    email: str
    role: OrganisationRole
    created_at: datetime
    expires_at: datetime


async def get_organisations(db: AsyncDb, principal: CurrentPrincipal) -> AsyncOrganisationService:
    """The service for this request."""
    return AsyncOrganisationService(db, principal)


CurrentOrganisations = Annotated[AsyncOrganisationService, Depends(get_organisations)]


@organisations_router.post("", status_code=201)
async def create_organisation(new: NewOrganisation, organisations: CurrentOrganisations) -> OrganisationView:
    """Make an organisation that you own."""
    made = await organisations.create(new.name)
    return OrganisationView(
        id=made.id, name=made.name, role=OrganisationRole.OWNER, created_at=made.created_at
    )


@organisations_router.get("")
async def list_organisations(organisations: CurrentOrganisations) -> list[OrganisationView]:
    """Those that you are in, by name."""
    return [
        OrganisationView(id=of.id, name=of.name, role=role, created_at=of.created_at)
        for of, role in await organisations.list()
    ]


@organisations_router.get("/{organisation_id}/members")
async def list_members(organisation_id: UUID, organisations: CurrentOrganisations) -> list[MemberView]:
    """Everybody in it, in the order of joining."""
    return [MemberView.of(member) for member in await organisations.members(organisation_id)]


@organisations_router.post("/{organisation_id}/members", status_code=201, dependencies=[INVITATION_RATE])
async def add_member(
    organisation_id: UUID,
    new: NewMember,
    organisations: CurrentOrganisations,
    principal: CurrentPrincipal,
    db: AsyncDb,
    mails: CurrentMailRoom,
    settings: CurrentSettings,
) -> AddedMember:
    """Let somebody in who has an account with this verified address, or invite them where they may make one.

    An invitation's link goes out by mail alone: it vouches for the address. Where this server sends none, the invitation waits
    for a week all the same, for whoever gets an account with this address from an administrator.
    """
    user = await organisations.add(organisation_id, new.email, new.role)
    if user is None:
        _require_right_to_invite(principal, settings)
        invitation, token = new_invitation(new.email, principal.user_id, organisation_id, new.role)
        db.add(invitation)
        AsyncMailedLinks(db, mails, settings).send_invitation(invitation.email, token)
    return AddedMember(
        email=new.email, role=new.role, user_id=user.id if user else None, is_invited=user is None
    )


@organisations_router.patch("/{organisation_id}/members/{user_id}", status_code=204)
async def change_role(
    organisation_id: UUID, user_id: UUID, new: NewRole, organisations: CurrentOrganisations
) -> None:
    """Make a member something else. An organisation always keeps an owner."""
    await organisations.change_role(organisation_id, user_id, new.role)


@organisations_router.delete("/{organisation_id}/members/{user_id}", status_code=204)
async def remove_member(organisation_id: UUID, user_id: UUID, organisations: CurrentOrganisations) -> None:
    """Take a member out, or leave. Open streams of what was shared with the organisation end within two seconds."""
    await organisations.remove(organisation_id, user_id)


@organisations_router.get("/{organisation_id}/invitations")
async def list_waiting_invitations(
    organisation_id: UUID, organisations: CurrentOrganisations
) -> list[WaitingInvitation]:
    """Who is invited and still to come, the newest first; for owners and admins."""
    waiting = await organisations.invitations(organisation_id)
    return [WaitingInvitation.model_validate(one) for one in waiting]


@organisations_router.delete("/{organisation_id}/invitations/{invitation_id}", status_code=204)
async def withdraw_invitation(
    organisation_id: UUID, invitation_id: UUID, organisations: CurrentOrganisations
) -> None:
    """Take an invitation back: its link opens nothing any more."""
    await organisations.withdraw_invitation(organisation_id, invitation_id)


@organisations_router.delete("/{organisation_id}", status_code=204)
async def delete_organisation(organisation_id: UUID, organisations: CurrentOrganisations) -> None:
    """Delete it. What was shared with it is not."""
    await organisations.delete(organisation_id)


def _require_right_to_invite(principal: Principal, settings: Settings) -> None:
    """An invitation opens the server too; where not everybody may come, its administrators decide who does."""
    if settings.sign_up == "open" or (settings.sign_up == "invite" and principal.is_administrator):
        return
    raise NoSuchAccount("Nobody here has this address: an administrator can invite them to the server.")
