"""Conversations and their messages."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, ForeignKey, Index, Integer, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from riverrun.infra.database import Base
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid


class MessageType(StrEnum):
    """Who speaks."""

    HUMAN = "HUMAN"
    AI_GENERATED = "AI_GENERATED"


CANCELLED = "cancelled"
"""The reason of an answer that was stopped."""


class MessageStatus(StrEnum):
    """Whether a message is part of the conversation, or an answer beside the one that is shown."""

    ACTIVE = "ACTIVE"
    ARCHIVED = "ARCHIVED"


CODE_AGENT = "codebase_qna_agent"
"""Who answers unless somebody else is named."""


class Conversation(Base):
    """A thread of messages about one or more projects. In ``local_mode`` the code is on the user's own machine."""

    __tablename__ = "conversations"
    __table_args__ = (Index("ix_conversations_user_updated", "user_id", "updated_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_uuid)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, default="active")
    project_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    agent_ids: Mapped[list[str]] = mapped_column(ARRAY(Text))
    local_mode: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)


IS_QUESTION = "type = 'HUMAN'"
IS_SHOWN_ANSWER = "type = 'AI_GENERATED' AND status = 'ACTIVE'"


class Message(Base):
    """A question or an answer. An answer's row is written once, with the end of its run.

    ``turn`` counts the questions of the conversation from 1. The answers to a question have its turn; they are siblings,
    of which one at most is shown.
    """

    __tablename__ = "messages"
    __table_args__ = (
        Index("ix_messages_turn", "conversation_id", "turn"),
        Index("ix_messages_run", "run_id"),
        Index(
            "uq_messages_question", "conversation_id", "turn", unique=True, postgresql_where=text(IS_QUESTION)
        ),
        Index(
            "uq_messages_shown_answer",
            "conversation_id",
            "turn",
            unique=True,
            postgresql_where=text(IS_SHOWN_ANSWER),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_uuid)
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    run_id: Mapped[UUID | None] = mapped_column(ForeignKey("runs.id", ondelete="SET NULL"))
    type: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, default=MessageStatus.ACTIVE)
    turn: Mapped[int] = mapped_column(Integer)
    sender_id: Mapped[UUID | None]
    content: Mapped[str] = mapped_column(Text)
    thinking: Mapped[str | None] = mapped_column(Text)
    citations: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    tool_calls: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    reason: Mapped[str | None] = mapped_column(Text)
    """Why the answer stopped early: ``cancelled`` or the error's title; none when it is whole."""
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)
