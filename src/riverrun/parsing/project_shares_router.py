"""Sharing repositories over HTTP, so that a team indexes each once. Who is let in may search it, read it and ask about it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from riverrun.auth.dependencies import CurrentPrincipal
from riverrun.auth.grants import Right
from riverrun.auth.principal import get_scoped
from riverrun.auth.share_views import AccessRemoval, Removed, SharesView
from riverrun.auth.subject_shares import AsyncSubjectShares, Terms
from riverrun.infra.dependencies import AsyncDb
from riverrun.infra.plain_route import PlainRoute
from riverrun.kit.email_address import EmailAddress
from riverrun.kit.written_time import WrittenMoment
from riverrun.parsing.models import Project

project_shares_router = APIRouter(prefix="/projects", tags=["sharing"], route_class=PlainRoute)


class ProjectShare(BaseModel):
    """Whom to let look into a repository, and until when; those who are let in already stay."""

    model_config = ConfigDict(extra="forbid")

    recipientEmails: list[EmailAddress] = Field(default=[], max_length=100)  # noqa: N815 - as for conversations
    organisation_ids: list[UUID] = Field(default=[], max_length=50)
    expires_at: WrittenMoment | None = None


async def get_project_shares(
    project_id: UUID, db: AsyncDb, principal: CurrentPrincipal
) -> AsyncSubjectShares:
    """The shares of a repository, which is the caller's own, and locked."""
    await get_scoped(db, principal, Project, project_id, lock=True)
    return AsyncSubjectShares(db, project_id=project_id)


CurrentProjectShares = Annotated[AsyncSubjectShares, Depends(get_project_shares)]


@project_shares_router.post("/{project_id}/share", status_code=201)
async def share_project(
    share: ProjectShare, shares: CurrentProjectShares, principal: CurrentPrincipal
) -> SharesView:
    """Let people, or all members of organisations that you are in, look into the repository."""
    terms = Terms(Right.VIEW, share.expires_at)
    await shares.name_people(share.recipientEmails, terms)
    await shares.name_organisations(principal, share.organisation_ids, terms)
    return await shares.view()


@project_shares_router.get("/{project_id}/shares")
async def get_shares_of_project(shares: CurrentProjectShares) -> SharesView:
    """Everybody who may look into the repository beside you."""
    return await shares.view()


@project_shares_router.delete("/{project_id}/access")
async def remove_access_to_project(removal: AccessRemoval, shares: CurrentProjectShares) -> Removed:
    """Shut people and organisations out. Streams that show them its sources end within two seconds."""
    await shares.shut_out(removal.emails, removal.organisation_ids)
    return Removed(message="Access was removed.")
