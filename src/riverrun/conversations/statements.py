"""Conversations and messages as SQL."""

from typing import Any
from uuid import UUID

from sqlalchemy import Insert, Select, func, insert, select

from riverrun.conversations.models import Message, MessageType
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid

HISTORY_MESSAGES = 50


def session_history(conversation_id: UUID, *, limit: int = HISTORY_MESSAGES) -> Select[Message]:
    """The newest messages, newest first."""
    return (
        select(Message)
        .where(Message.conversation_id == conversation_id)
        .order_by(Message.created_at.desc(), Message.id.desc())
        .limit(limit)
    )


def messages_page(conversation_id: UUID, start: int, limit: int) -> Select[Message]:
    """Messages in the order in which they were said."""
    return (
        select(Message)
        .where(Message.conversation_id == conversation_id)
        .order_by(Message.created_at, Message.id)
        .offset(start)
        .limit(limit)
    )


def count_messages(conversation_id: UUID) -> Select[int]:
    """How many messages there are."""
    return select(func.count()).select_from(Message).where(Message.conversation_id == conversation_id)


def question_of(run_id: UUID) -> Select[UUID]:
    """The id of the human message that a run answers."""
    return select(Message.id).where(Message.run_id == run_id, Message.type == MessageType.HUMAN)


def answer_of(run_id: UUID) -> Select[Message]:
    """The message that a run left."""
    return select(Message).where(Message.run_id == run_id, Message.type == MessageType.AI_GENERATED)


def insert_answer(conversation_id: UUID, run_id: UUID, buffer: dict[str, Any], reason: str | None) -> Insert:
    """Store an answer, whole or partial; returns its id."""
    return (
        insert(Message)
        .values(
            id=new_uuid(),
            conversation_id=conversation_id,
            run_id=run_id,
            type=MessageType.AI_GENERATED,
            content=buffer["text"],
            thinking=buffer["thinking"] or None,
            citations=buffer["citations"],
            tool_calls=buffer["tool_calls"],
            reason=reason,
            created_at=now(),
        )
        .returning(Message.id)
    )
