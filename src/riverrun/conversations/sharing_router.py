"""Sharing conversations over HTTP: by name and by link, and taking it back. All of it is the owner's."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from riverrun.auth.dependencies import CurrentPrincipal
from riverrun.auth.request_rates import POST_RATE
from riverrun.auth.share_views import AccessRemoval, LinkView, Removed, SharesView
from riverrun.conversations.access_service import AsyncShareChatService
from riverrun.conversations.copying import ConversationCopying
from riverrun.conversations.schemas import ConversationCreated
from riverrun.conversations.sharing_schemas import NewLink, People, Shared, ShareRequest
from riverrun.infra.dependencies import AsyncDb, CurrentSettings
from riverrun.infra.plain_route import PlainRoute

sharing_router = APIRouter(prefix="/conversations", tags=["sharing"], route_class=PlainRoute)


async def get_share_service(db: AsyncDb, principal: CurrentPrincipal) -> AsyncShareChatService:
    """The service for this request."""
    return AsyncShareChatService(db, principal)


CurrentShares = Annotated[AsyncShareChatService, Depends(get_share_service)]


@sharing_router.post("/share", status_code=201)
async def share_conversation(
    request: ShareRequest, shares: CurrentShares, settings: CurrentSettings
) -> Shared:
    """Let people in by name, or by a link. A link's address is shown this once."""
    conversation_id = request.conversation_id
    made = await shares.share_chat(
        conversation_id,
        request.recipientEmails,
        request.visibility,
        organisation_ids=request.organisation_ids,
        terms=request.terms,
        requires_sign_in=request.requires_sign_in,
    )
    link = None
    if made is not None:
        grant, token = made
        link = NewLink(**LinkView.of(grant).model_dump(), url=f"{settings.base_url}/s/{token}")
    emails = list(await shares.get_shared_emails(conversation_id))
    return Shared(message="Shared.", sharedID=conversation_id, link=link, sharedEmails=emails)


@sharing_router.post("/{conversation_id}/copy", status_code=201, dependencies=[POST_RATE])
async def copy_conversation(
    conversation_id: UUID, principal: CurrentPrincipal, db: AsyncDb
) -> ConversationCreated:
    """Go on by yourself: a conversation of your own with the messages that you see in this one."""
    copied = await ConversationCopying(db, principal).copy(conversation_id)
    return ConversationCreated(message="Conversation copied.", conversation_id=copied.id)


@sharing_router.get("/{conversation_id}/shared-emails")
async def get_shared_emails(conversation_id: UUID, shares: CurrentShares) -> Sequence[str]:
    """The addresses of those who are let in by name."""
    return await shares.get_shared_emails(conversation_id)


@sharing_router.get("/{conversation_id}/shares")
async def get_shares(conversation_id: UUID, shares: CurrentShares) -> SharesView:
    """Everybody who is let in: people, organisations, links."""
    return await shares.get_shares(conversation_id)


@sharing_router.put("/{conversation_id}/shares")
async def set_people(conversation_id: UUID, people: People, shares: CurrentShares) -> SharesView:
    """Let in exactly these people by name: who is not in the list is shut out. Links and organisations stay."""
    await shares.set_people(conversation_id, people.people)
    return await shares.get_shares(conversation_id)


@sharing_router.delete("/{conversation_id}/access")
async def remove_access(conversation_id: UUID, removal: AccessRemoval, shares: CurrentShares) -> Removed:
    """Shut people and organisations out. What they read at that moment ends within two seconds."""
    await shares.remove_access(conversation_id, removal.emails, removal.organisation_ids)
    return Removed(message="Access was removed.")


@sharing_router.delete("/{conversation_id}/links/{link_id}", status_code=204)
async def remove_link(conversation_id: UUID, link_id: UUID, shares: CurrentShares) -> None:
    """Make a link open nothing any more."""
    await shares.remove_link(conversation_id, link_id)
