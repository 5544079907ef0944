"""Conversations and messages on the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from riverrun.conversations.models import Conversation, Message, MessageType
from riverrun.kit.storable_text import STORABLE, StorableText

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), STORABLE]


class NewConversation(BaseModel):
    """What to start a conversation with: at least one project."""

    project_ids: list[UUID] = Field(min_length=1, max_length=20)
    title: Title | None = None
    agent_ids: list[StorableText] = Field(default_factory=lambda: ["codebase_qna_agent"], max_length=1)
    local_mode: bool = False
    """The code is on the user's own machine, in an editor that offers tools for it."""


class ConversationCreated(BaseModel):
    """The plan's answer to POST /conversations."""

    message: str
    conversation_id: UUID


class Renaming(BaseModel):
    """A new title."""

    title: Title


class ConversationView(BaseModel):
    """A conversation as lists show it."""

    id: UUID
    title: str
    status: str
    project_ids: list[UUID]
    agent_id: str | None
    repository: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, conversation: Conversation, repository: str | None) -> "ConversationView":
        return cls(
            id=conversation.id,
            title=conversation.title,
            status=conversation.status,
            project_ids=conversation.project_ids,
            agent_id=next(iter(conversation.agent_ids), None),
            repository=repository,
            created_at=conversation.created_at,
            updated_at=conversation.updated_at,
        )


class ConversationInfo(ConversationView):
    """A conversation with the number of messages that are shown, and the run under way."""

    total_messages: int
    run_id: UUID | None


class NewMessage(BaseModel):
    """A question."""

    content: str


class MessageAccepted(BaseModel):
    """The receipt of a run in the background; ``message_id`` is that of the question."""

    run_id: UUID
    session_id: str
    message_id: UUID | None


class MessageView(BaseModel):
    """A message as it is stored."""

    id: UUID
    conversation_id: UUID
    content: str
    type: str
    status: str
    """``ACTIVE``, or ``ARCHIVED`` for an answer that another one is shown instead of."""
    turn: int
    siblings: list[UUID]
    """All answers to the same question, this one included, oldest first; of a question none."""
    run_id: UUID | None
    reason: str | None
    citations: list[dict[str, Any]]
    tool_calls: list[dict[str, Any]]
    thinking: str | None
    created_at: datetime

    @classmethod
    def of(cls, message: Message, siblings: list[UUID]) -> "MessageView":
        return cls(
            id=message.id,
            conversation_id=message.conversation_id,
            content=message.content,
            type=message.type,
            status=message.status,
            turn=message.turn,
            siblings=siblings if message.type == MessageType.AI_GENERATED else [],
            run_id=message.run_id,
            reason=message.reason,
            citations=message.citations,
            tool_calls=message.tool_calls,
            thinking=message.thinking,
            created_at=message.created_at,
        )


class ChatMessageResponse(BaseModel):
    """A whole answer, for those who do not stream."""

    message: str
    citations: list[dict[str, Any]]
    tool_calls: list[dict[str, Any]]
    thinking: str | None
    run_id: UUID
