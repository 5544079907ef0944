"""A question about a repository in one call, for programs that keep no conversation."""

from typing import Annotated
from uuid import UUID, uuid5

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from riverrun.auth.dependencies import CurrentPrincipal
from riverrun.auth.request_rates import POST_RATE
from riverrun.conversations.conversation_routing import Delivery, answer_to
from riverrun.conversations.conversations_router import ANSWERS
from riverrun.conversations.dependencies import CurrentConversations, IdempotencyKey
from riverrun.conversations.models import CODE_AGENT
from riverrun.conversations.run_reading import CurrentRunReading
from riverrun.conversations.schemas import ChatMessageResponse, NewConversation, Question
from riverrun.infra.dependencies import AsyncDb
from riverrun.infra.plain_route import PlainRoute
from riverrun.kit.storable_text import StorableText
from riverrun.runs.dependencies import CurrentChannels

project_questions_router = APIRouter(tags=["projects"], route_class=PlainRoute)


class ProjectQuestion(BaseModel):
    """A question, and who is to answer it."""

    content: Question
    agent_id: StorableText = CODE_AGENT


@project_questions_router.post(
    "/project/{project_id}/message", response_model=None, responses=ANSWERS, dependencies=[POST_RATE]
)
async def ask_project(
    project_id: UUID,
    question: ProjectQuestion,
    principal: CurrentPrincipal,
    conversations: CurrentConversations,
    db: AsyncDb,
    channels: CurrentChannels,
    reading: CurrentRunReading,
    request: Request,
    response: Response,
    stream: Annotated[bool, Query(description="true: the answer as it is written")] = False,
    background: Annotated[bool, Query(description="true: only a receipt, at once")] = False,
    idempotency_key: IdempotencyKey = None,
) -> Response | ChatMessageResponse:
    """Ask in a conversation of its own, which `X-Conversation-Id` names. Answers whole, unless told otherwise.

    The same `Idempotency-Key` is the same question in the same conversation. Once you have deleted that, it is a new
    question; 409 `subject-busy` until the answer that was under way there has ended.
    """
    new = NewConversation(project_ids=[project_id], agent_ids=[question.agent_id])
    known_as = uuid5(principal.user_id, f"{project_id}:{idempotency_key}") if idempotency_key else None
    conversation = await conversations.create_conversation(new, known_as)
    accepted = await conversations.post_message(
        conversation.id, question.content, idempotency_key=idempotency_key
    )
    delivery = Delivery(stream=stream, background=background)
    answer = await answer_to(accepted, delivery, db, channels, reading, request.receive)
    named = answer if isinstance(answer, Response) else response
    named.headers["x-conversation-id"] = str(conversation.id)
    return answer
