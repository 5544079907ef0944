"""Conversations and messages as SQL."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Delete,
    Insert,
    Integer,
    ScalarSelect,
    Select,
    Update,
    and_,
    case,
    cast,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import aliased

from riverrun.conversations.models import Conversation, Message, MessageStatus, MessageType
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.runs.models import Run
from riverrun.runs.tool_records import ToolResult

HISTORY_MESSAGES = 50
IS_ANSWER = Message.type == MessageType.AI_GENERATED
IS_SHOWN = Message.status == MessageStatus.ACTIVE
AS_SAID = (Message.turn, IS_ANSWER, Message.created_at, Message.id)
"""The order of a conversation: turn by turn, a question before its answers, whenever they came."""


def begin_conversation(values: dict[str, Any]) -> Insert:
    """Enter a conversation, and return its id; one that somebody has just begun by the same id stays as it is, and is
    waited for: then nothing is returned.
    """
    begin = postgresql.insert(Conversation).values(values).on_conflict_do_nothing()
    return begin.returning(Conversation.id)


def session_history(
    conversation_id: UUID, *, before_turn: int | None = None, limit: int = HISTORY_MESSAGES
) -> Select[Message]:
    """The newest messages that are shown, newest first; all, or those before a turn."""
    history = select(Message).where(Message.conversation_id == conversation_id, IS_SHOWN)
    if before_turn is not None:
        history = history.where(Message.turn < before_turn)
    return history.order_by(*(column.desc() for column in AS_SAID)).limit(limit)


def messages_page(conversation_id: UUID, start: int, limit: int, *, with_siblings: bool) -> Select[Message]:
    """Messages in order: those that are shown, or all."""
    page = select(Message).where(Message.conversation_id == conversation_id)
    if not with_siblings:
        page = page.where(IS_SHOWN)
    return page.order_by(*AS_SAID).offset(start).limit(limit)


def large_results(run_ids: Collection[UUID], chars: int) -> Select[UUID, str, str]:
    """``(run, call, beginning)`` of the tools' results that messages of these runs only point to."""
    return select(ToolResult.run_id, ToolResult.call_id, func.left(ToolResult.result, chars)).where(
        ToolResult.run_id.in_(run_ids)
    )


def message_in(conversation_id: UUID, message_id: UUID) -> Select[Message]:
    """One message of the conversation."""
    return select(Message).where(Message.conversation_id == conversation_id, Message.id == message_id)


def siblings_by_turn(conversation_id: UUID, turns: Collection[int]) -> Select[int, Sequence[UUID]]:
    """``(turn, ids of its answers, oldest first)``."""
    ids = func.array_agg(aggregate_order_by(Message.id, Message.created_at, Message.id))
    return (
        select(Message.turn, ids)
        .where(Message.conversation_id == conversation_id, IS_ANSWER, Message.turn.in_(turns))
        .group_by(Message.turn)
    )


def last_question(conversation_id: UUID) -> Select[Message]:
    """The newest question."""
    return (
        select(Message)
        .where(Message.conversation_id == conversation_id, Message.type == MessageType.HUMAN)
        .order_by(Message.turn.desc())
        .limit(1)
    )


def question_of(run_id: UUID) -> Select[UUID]:
    """The id of the human message that a run answers."""
    return (
        select(Message.id)
        .join(Run, Run.subject_id == Message.conversation_id)
        .where(Run.id == run_id, Message.turn == turn_of_run(), Message.type == MessageType.HUMAN)
    )


def answer_of(run_id: UUID) -> Select[Message]:
    """The message that a run left."""
    return select(Message).where(Message.run_id == run_id, IS_ANSWER)


def forget_answer_to_nobody(run_id: UUID) -> Delete:
    """Drop a run that ends after its conversation was deleted, with all that was recorded of it; what was used stays in the
    ledger.
    """
    in_a_conversation = select(Conversation.id).where(Conversation.id == Run.subject_id).exists()
    forget = delete(Run).where(Run.id == run_id, ~in_a_conversation)
    return forget.execution_options(synchronize_session=False)


def conversation_of(run_id: UUID) -> Select[UUID]:
    """The conversation that still wants the run's answer: it is there, and the run was not taken back."""
    return (
        select(Conversation.id)
        .join(Run, Run.subject_id == Conversation.id)
        .where(Run.id == run_id, Run.is_rolled_back.is_(False))
    )


def archive_shown_answer(conversation_id: UUID, run_id: UUID) -> Update:
    """Make room for the run's answer: the one that its turn shows becomes a sibling that is not shown."""
    return (
        update(Message)
        .where(Message.conversation_id == conversation_id, IS_ANSWER, Message.turn == turn_of(run_id))
        .values(status=MessageStatus.ARCHIVED)
    )


def insert_answer(conversation_id: UUID, run_id: UUID, buffer: dict[str, Any], reason: str | None) -> Insert:
    """Store an answer, whole or partial; returns its id. It is shown unless its turn shows another one."""
    turn = turn_of(run_id)
    return (
        insert(Message)
        .values(
            id=new_uuid(),
            conversation_id=conversation_id,
            run_id=run_id,
            type=MessageType.AI_GENERATED,
            status=_status_of_answer(conversation_id, turn),
            turn=turn,
            content=buffer["text"],
            thinking=buffer["thinking"] or None,
            citations=buffer["citations"],
            tool_calls=buffer["tool_calls"],
            reason=reason,
            created_at=now(),
        )
        .returning(Message.id)
    )


def forget_messages_of(run_ids: Collection[UUID], *, but: UUID | None) -> Delete:
    """Take back what runs that are rolled back have put into the conversation, ``but`` one message."""
    return delete(Message).where(Message.run_id.in_(run_ids), Message.id.is_distinct_from(but))


def turn_of(run_id: UUID) -> ScalarSelect[int]:
    """The turn that a run answers."""
    return select(turn_of_run()).where(Run.id == run_id).scalar_subquery()


def turn_of_run() -> ColumnElement[int]:
    """Of ``Run``: the turn that it answers."""
    return cast(Run.payload["turn"].astext, Integer)


def _status_of_answer(conversation_id: UUID, turn: ScalarSelect[int]) -> ColumnElement[str]:
    other = aliased(Message)
    shown = select(other.id).where(
        other.conversation_id == conversation_id,
        other.turn == turn,
        and_(other.type == MessageType.AI_GENERATED, other.status == MessageStatus.ACTIVE),
    )
    return case((shown.exists(), MessageStatus.ARCHIVED), else_=MessageStatus.ACTIVE)
