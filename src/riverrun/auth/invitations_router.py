"""Invitations to the server, which administrators make."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from riverrun.auth.dependencies import CurrentAdministrator
from riverrun.auth.errors import SignUpRefused
from riverrun.auth.invitation_service import AsyncInvitations
from riverrun.auth.mailed_links import AsyncMailedLinks
from riverrun.auth.request_rates import INVITATION_RATE
from riverrun.infra.dependencies import AsyncDb, CurrentSettings
from riverrun.kit.email_address import EmailAddress
from riverrun.notifications.dependencies import CurrentMailRoom

invitations_router = APIRouter(prefix="/api/v1/invitations", tags=["account"])


class NewInvitation(BaseModel):
    """Who is to be invited."""

    email: EmailAddress


class InvitationView(BaseModel):
    """An invitation that waits."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    email: str
    organisation_id: UUID | None
    role: str | None
    created_at: datetime
    expires_at: datetime


class CreatedInvitation(InvitationView):
    """With its link, which is shown this once. Who has it can make an account for the address."""

    link: str
    is_mailed: bool


@invitations_router.post("", status_code=201, dependencies=[INVITATION_RATE])
async def invite(
    new: NewInvitation,
    administrator: CurrentAdministrator,
    db: AsyncDb,
    settings: CurrentSettings,
    mails: CurrentMailRoom,
) -> CreatedInvitation:
    """Invite somebody by a link that works once within a week. It goes out by mail too, where mail is set up."""
    if settings.sign_up == "closed":
        raise SignUpRefused("This server takes no new accounts: RIVERRUN_SIGN_UP is closed.")
    invitation, token = await AsyncInvitations(db).create(new.email, administrator.user_id)
    link = AsyncMailedLinks(db, mails, settings).send_invitation(invitation.email, token)
    view = InvitationView.model_validate(invitation)
    return CreatedInvitation(**view.model_dump(), link=link, is_mailed=mails.is_open)


@invitations_router.get("")
async def list_invitations(administrator: CurrentAdministrator, db: AsyncDb) -> list[InvitationView]:
    """Those that wait, the newest first."""
    return [InvitationView.model_validate(waiting) for waiting in await AsyncInvitations(db).list()]


@invitations_router.delete("/{invitation_id}", status_code=204)
async def revoke_invitation(invitation_id: UUID, administrator: CurrentAdministrator, db: AsyncDb) -> None:
    """Take an invitation back: its link opens nothing any more."""
    await AsyncInvitations(db).revoke(invitation_id)
