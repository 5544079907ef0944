"""One scenario for both twins: what is said is buffered, then stored once, whole or partial."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.support.stories import make_run

from riverrun.conversations.chat_history_service import AsyncChatHistoryService, ChatHistoryService
from riverrun.conversations.models import Conversation, Message, MessageType
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.streaming.snapshot import Snapshot

Verbs = Callable[[Any], Awaitable[Any]]
InTransaction = Callable[[Verbs], Awaitable[Any]]


async def value_of(outcome: Any) -> Any:
    return await outcome if inspect.isawaitable(outcome) else outcome


@pytest.fixture(params=["sync", "async"])
def in_transaction(
    request: pytest.FixtureRequest, engine: Engine, async_engine: AsyncEngine
) -> InTransaction:
    """Calls verbs with one of the twins, in a transaction of its own that is committed."""

    async def sync(verbs: Verbs) -> Any:
        with engine.begin() as connection:
            return await verbs(ChatHistoryService(connection))

    async def asynchronous(verbs: Verbs) -> Any:
        async with AsyncSession(async_engine) as session, session.begin():
            return await verbs(AsyncChatHistoryService(session))

    return sync if request.param == "sync" else asynchronous


@pytest.fixture
def conversation_id(engine: Engine, user_id: UUID) -> UUID:
    conversation_id = new_uuid()
    values = {"id": conversation_id, "user_id": user_id, "title": "A test", "status": "active"}
    moments = {"created_at": now(), "updated_at": now()}
    with engine.begin() as connection:
        connection.execute(insert(Conversation).values(project_ids=[], agent_ids=[], **values, **moments))
    return conversation_id


@pytest.fixture
def answering(engine: Engine, user_id: UUID, conversation_id: UUID) -> UUID:
    return make_run(engine, user_id, subject_id=conversation_id)


def messages(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(select(Message.__table__)).all())


async def test_chunks_become_one_whole_message(
    in_transaction: InTransaction, engine: Engine, conversation_id: UUID, answering: UUID
) -> None:
    async def answer(history: Any) -> Any:
        history.add_message_chunk(answering, Snapshot(texts=["It is "], thoughts=["Hm."]))
        history.add_message_chunk(answering, Snapshot(texts=["so."], citations=[{"path": "a.py"}]))
        return await value_of(history.flush_message_buffer(conversation_id, answering))

    message_id = await in_transaction(answer)
    [stored] = messages(engine)
    assert (stored.id, stored.run_id, stored.type) == (message_id, answering, MessageType.AI_GENERATED)
    assert (stored.content, stored.thinking, stored.reason) == ("It is so.", "Hm.", None)
    assert stored.citations == [{"path": "a.py"}]


async def test_a_flushed_buffer_is_empty(
    in_transaction: InTransaction, engine: Engine, conversation_id: UUID, answering: UUID
) -> None:
    async def answer_twice(history: Any) -> Any:
        history.add_message_chunk(answering, Snapshot(texts=["Once."]))
        await value_of(history.flush_message_buffer(conversation_id, answering))
        return await value_of(history.flush_message_buffer(conversation_id, answering))

    assert await in_transaction(answer_twice) is None
    assert len(messages(engine)) == 1


async def test_a_chunk_is_never_changed_by_the_buffer(
    in_transaction: InTransaction, conversation_id: UUID, answering: UUID
) -> None:
    first = Snapshot(texts=["One, "])

    async def add(history: Any) -> None:
        history.add_message_chunk(answering, first)
        history.add_message_chunk(answering, Snapshot(texts=["two."]))

    await in_transaction(add)
    assert first.text == "One, "


async def test_a_partial_answer_says_why(
    in_transaction: InTransaction, engine: Engine, conversation_id: UUID, answering: UUID
) -> None:
    said = Snapshot(texts=["It is "])

    async def stop(history: Any) -> Any:
        return await value_of(
            history.save_partial_ai_message(conversation_id, answering, said, reason="cancelled")
        )

    assert await in_transaction(stop)
    [stored] = messages(engine)
    assert (stored.content, stored.reason) == ("It is ", "cancelled")


@pytest.mark.parametrize("said", [Snapshot(), Snapshot(thoughts=["Hm."])], ids=["silence", "thinking"])
async def test_what_says_nothing_is_no_message(
    in_transaction: InTransaction, engine: Engine, conversation_id: UUID, answering: UUID, said: Snapshot
) -> None:
    async def end(history: Any) -> list[Any]:
        partial = history.save_partial_ai_message(conversation_id, answering, said, reason="cancelled")
        history.add_message_chunk(answering, said)
        whole = history.flush_message_buffer(conversation_id, answering)
        return [await value_of(partial), await value_of(whole)]

    assert await in_transaction(end) == [None, None]
    assert messages(engine) == []


async def test_the_history_is_told_from_the_beginning(
    in_transaction: InTransaction, engine: Engine, conversation_id: UUID, answering: UUID
) -> None:
    with engine.begin() as connection:
        values = {"id": new_uuid(), "type": MessageType.HUMAN, "content": "Why?", "turn": 1}
        rest = {"conversation_id": conversation_id, "citations": [], "tool_calls": [], "created_at": now()}
        connection.execute(insert(Message).values(**values, **rest))

    async def answer(history: Any) -> Any:
        history.add_message_chunk(answering, Snapshot(texts=["Because."]))
        await value_of(history.flush_message_buffer(conversation_id, answering))
        return await value_of(history.get_session_history(conversation_id))

    assert await in_transaction(answer) == [
        (MessageType.HUMAN, "Why?"),
        (MessageType.AI_GENERATED, "Because."),
    ]
