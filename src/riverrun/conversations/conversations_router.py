"""Conversations over HTTP."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from riverrun.auth.request_rates import POST_RATE
from riverrun.conversations.conversation_routing import answer_to
from riverrun.conversations.conversation_views import CurrentViews
from riverrun.conversations.dependencies import (
    CurrentConversations,
    CurrentDelivery,
    IdempotencyKey,
    PostedMessage,
)
from riverrun.conversations.run_reading import CurrentRunReading
from riverrun.conversations.schemas import (
    ChatMessageResponse,
    ConversationCreated,
    ConversationInfo,
    ConversationView,
    MessageAccepted,
    MessageView,
    NewConversation,
    NewMessage,
    Renaming,
)
from riverrun.conversations.session_statements import forget_ended_runs, runs_ended_since
from riverrun.infra.dependencies import AsyncDb, CurrentSettings
from riverrun.infra.plain_route import PlainRoute
from riverrun.kit.clock import now
from riverrun.runs.dependencies import CurrentChannels
from riverrun.runs.models import IfBusy
from riverrun.runs.schemas import StopReceipt

conversations_router = APIRouter(prefix="/conversations", tags=["conversations"], route_class=PlainRoute)

MESSAGE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": NewMessage.model_json_schema()},
            "multipart/form-data": {"schema": NewMessage.model_json_schema()},
        },
    }
}
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": ChatMessageResponse, "content": {"text/event-stream": {}}},
    202: {"model": MessageAccepted},
}


@conversations_router.get("/{conversation_id}/info")
async def get_info(conversation_id: UUID, views: CurrentViews) -> ConversationInfo:
    """One conversation, and what you may do with it."""
    return await views.get_info(conversation_id)


@conversations_router.post("", status_code=201)
async def create_conversation(
    new: NewConversation, conversations: CurrentConversations
) -> ConversationCreated:
    """Begin a conversation about one or more indexed repositories."""
    conversation = await conversations.create_conversation(new)
    return ConversationCreated(message="Conversation created.", conversation_id=conversation.id)


@conversations_router.get("")
async def list_conversations(
    views: CurrentViews,
    start: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    shared: Annotated[bool, Query(description="Those that others share with you, instead of yours")] = False,
) -> list[ConversationView]:
    """The last used first."""
    return await views.list_conversations(start, limit, shared=shared)


@conversations_router.get("/{conversation_id}/messages")
async def get_messages(
    conversation_id: UUID,
    views: CurrentViews,
    start: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    siblings: Annotated[bool, Query(description="Also the answers that others are shown instead of")] = False,
) -> list[MessageView]:
    """What was said, in order; an answer is here from its run's end on."""
    return await views.get_messages(conversation_id, start, limit, with_siblings=siblings)


@conversations_router.get("/{conversation_id}/messages/{message_id}")
async def get_message(conversation_id: UUID, message_id: UUID, views: CurrentViews) -> MessageView:
    """One message, such as an answer that another one is shown instead of."""
    return await views.get_message(conversation_id, message_id)


@conversations_router.patch("/{conversation_id}/rename", status_code=204)
async def rename(conversation_id: UUID, renaming: Renaming, conversations: CurrentConversations) -> None:
    """Give the conversation a title."""
    await conversations.rename(conversation_id, renaming.title)


@conversations_router.delete("/{conversation_id}", status_code=204)
async def delete_conversation(
    conversation_id: UUID,
    conversations: CurrentConversations,
    db: AsyncDb,
    channels: CurrentChannels,
    settings: CurrentSettings,
) -> None:
    """Delete the conversation with its messages and its runs, in Redis too.

    What is being answered is stopped; its worker drops what it still had to record.
    """
    stopped = await conversations.delete(conversation_id)
    still_hot = now() - timedelta(seconds=settings.stream_ttl_seconds)
    over = (await db.scalars(runs_ended_since(conversation_id, still_hot))).all()
    await db.execute(forget_ended_runs(conversation_id))
    await channels.commit(db, ended=stopped.ended, stopping=stopped.still_running)
    await channels.forget(over)


@conversations_router.post(
    "/{conversation_id}/message",
    response_model=None,
    responses=ANSWERS,
    openapi_extra=MESSAGE_BODY,
    dependencies=[POST_RATE],
)
async def post_message(
    conversation_id: UUID,
    message: PostedMessage,
    conversations: CurrentConversations,
    db: AsyncDb,
    channels: CurrentChannels,
    delivery: CurrentDelivery,
    reading: CurrentRunReading,
    request: Request,
    if_busy: IfBusy = IfBusy.REJECT,
    idempotency_key: IdempotencyKey = None,
) -> Response | ChatMessageResponse:
    """Ask. Answers with the stream; whole with ``stream=false``; with a receipt at once with ``background=true``."""
    accepted = await conversations.post_message(
        conversation_id, message.content, idempotency_key=idempotency_key, if_busy=if_busy
    )
    return await answer_to(accepted, delivery, db, channels, reading, request.receive)


@conversations_router.post(
    "/{conversation_id}/regenerate", response_model=None, responses=ANSWERS, dependencies=[POST_RATE]
)
async def regenerate(
    conversation_id: UUID,
    conversations: CurrentConversations,
    db: AsyncDb,
    channels: CurrentChannels,
    delivery: CurrentDelivery,
    reading: CurrentRunReading,
    request: Request,
    if_busy: IfBusy = IfBusy.REJECT,
    idempotency_key: IdempotencyKey = None,
) -> Response | ChatMessageResponse:
    """Answer the last question again; the old answer stays beside the new one. Answers as ``message`` does."""
    accepted = await conversations.regenerate(
        conversation_id, idempotency_key=idempotency_key, if_busy=if_busy
    )
    return await answer_to(accepted, delivery, db, channels, reading, request.receive)


@conversations_router.post("/{conversation_id}/stop")
async def stop_generation(conversation_id: UUID, conversations: CurrentConversations) -> StopReceipt:
    """Stop the answer under way; the receipt says what is kept. Nothing under way: the last one's receipt."""
    return await conversations.stop_generation(conversation_id)
