"""Conversations and messages on the wire."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, Field, StrictBool

from riverrun.conversations.models import CODE_AGENT, Conversation, Message, MessageType
from riverrun.kit.storable_text import NOT_SPACE, STORABLE_NAME, StorableText
from riverrun.streaming.redaction import hide_tool_calls

Title = Annotated[str, Field(min_length=1, max_length=200), STORABLE_NAME]


class NewConversation(BaseModel):
    """What to start a conversation with: at least one project."""

    project_ids: list[UUID] = Field(min_length=1, max_length=20)
    title: Title | None = None
    agent_ids: list[StorableText] = Field(default_factory=lambda: [CODE_AGENT], min_length=1, max_length=1)
    local_mode: StrictBool = False
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
    """The name of the first repository; none when that one was removed."""
    repositories: list[str]
    """The names of those that are left, in the order of ``project_ids``."""
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, conversation: Conversation, names: Mapping[UUID, str]) -> "ConversationView":
        """``names`` has those of its repositories that are left, by id."""
        ids = conversation.project_ids
        return cls(
            id=conversation.id,
            title=conversation.title,
            status=conversation.status,
            project_ids=ids,
            agent_id=next(iter(conversation.agent_ids), None),
            repository=names.get(ids[0]),
            repositories=[names[project_id] for project_id in ids if project_id in names],
            created_at=conversation.created_at,
            updated_at=conversation.updated_at,
        )


@dataclass(frozen=True, slots=True)
class ViewedConversation:
    """A row of ``VIEWED_CONVERSATION``: a conversation as somebody sees it, and whether its sources are hidden."""

    conversation: Conversation
    hides_sources: bool


class ConversationInfo(ConversationView):
    """A conversation with the number of messages that are shown, the run under way, and what the caller may do.

    The columns of ``CONVERSATION_INFO`` have the fields' names.
    """

    total_messages: int
    run_id: UUID | None
    access_type: str
    """``write`` for who may ask, ``read`` for who may only look."""
    is_creator: bool
    creator_id: UUID
    visibility: str
    """``public`` while there is a link to it, else ``private``."""
    hides_sources: bool
    """Whether what the tools read is not shown, because the caller may not see the repositories, or one was removed."""
    has_repositories: bool
    """Whether some of its repositories are left, all of these the caller's to see: else nothing can be asked."""


Question = Annotated[str, Field(json_schema_extra={"pattern": NOT_SPACE})]
"""A question as it comes in, of which something is left when it is stripped."""


class NewMessage(BaseModel):
    """A question."""

    content: Question


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

    def without_sources(self) -> Self:
        """The message for somebody who may not see the repositories."""
        return self.model_copy(update={"tool_calls": hide_tool_calls(self.tool_calls)})


class ChatMessageResponse(BaseModel):
    """A whole answer, for those who do not stream."""

    message: str
    citations: list[dict[str, Any]]
    tool_calls: list[dict[str, Any]]
    thinking: str | None
    run_id: UUID
