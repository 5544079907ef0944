"""The record of a conversation, for workers (sync) and for the API (async), in the caller's transaction."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.conversations import statements
from riverrun.conversations.message_buffer import MessageBuffer
from riverrun.conversations.models import Message, MessageType
from riverrun.conversations.schemas import MessageView
from riverrun.streaming.snapshot import Snapshot


class ChatHistoryService:
    """A worker's hand on the record."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._buffer = MessageBuffer()

    def get_session_history(
        self, conversation_id: UUID, *, before_turn: int | None = None
    ) -> list[tuple[str, str]]:
        """The newest messages that are shown as ``(type, content)``, oldest first; all, or those before a turn."""
        statement = statements.session_history(conversation_id, before_turn=before_turn)
        rows = self._connection.execute(statement).all()
        return [(row.type, row.content) for row in reversed(rows)]

    def add_message_chunk(self, run_id: UUID, chunk: Snapshot) -> None:
        """Keep a piece of the run's answer in memory; ``flush_message_buffer`` stores it."""
        self._buffer.add(run_id, chunk)

    def flush_message_buffer(self, conversation_id: UUID, run_id: UUID) -> UUID | None:
        """Store the pieces as the run's whole answer; its id, none when nothing was said.

        It is shown instead of an earlier answer to the same question, if it has words.
        """
        return self._save(conversation_id, run_id, self._buffer.take(run_id), None)

    def save_partial_ai_message(
        self, conversation_id: UUID, run_id: UUID, snapshot: Snapshot, *, reason: str
    ) -> UUID | None:
        """Store what was said up to the early end that ``reason`` names; its id, none when nothing was said.

        An earlier answer to the same question stays the one that is shown.
        """
        return self._save(conversation_id, run_id, snapshot, reason)

    def _save(
        self, conversation_id: UUID, run_id: UUID, snapshot: Snapshot, reason: str | None
    ) -> UUID | None:
        if not snapshot.is_worth_keeping:
            return None
        if reason is None and snapshot.text:
            self._connection.execute(statements.archive_shown_answer(conversation_id, run_id))
        statement = statements.insert_answer(conversation_id, run_id, snapshot.as_fields(), reason)
        message_id: UUID = self._connection.execute(statement).scalar_one()
        return message_id


class AsyncChatHistoryService:
    """The API's hand on the record."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._buffer = MessageBuffer()

    async def get_session_history(
        self, conversation_id: UUID, *, before_turn: int | None = None
    ) -> list[tuple[str, str]]:
        """The newest messages that are shown as ``(type, content)``, oldest first; all, or those before a turn."""
        statement = statements.session_history(conversation_id, before_turn=before_turn)
        rows = (await self._session.scalars(statement)).all()
        return [(row.type, row.content) for row in reversed(rows)]

    def add_message_chunk(self, run_id: UUID, chunk: Snapshot) -> None:
        """Keep a piece of the run's answer in memory; ``flush_message_buffer`` stores it."""
        self._buffer.add(run_id, chunk)

    async def flush_message_buffer(self, conversation_id: UUID, run_id: UUID) -> UUID | None:
        """Store the pieces as the run's whole answer; its id, none when nothing was said.

        It is shown instead of an earlier answer to the same question, if it has words.
        """
        return await self._save(conversation_id, run_id, self._buffer.take(run_id), None)

    async def save_partial_ai_message(
        self, conversation_id: UUID, run_id: UUID, snapshot: Snapshot, *, reason: str
    ) -> UUID | None:
        """Store what was said up to the early end that ``reason`` names; its id, none when nothing was said.

        An earlier answer to the same question stays the one that is shown.
        """
        return await self._save(conversation_id, run_id, snapshot, reason)

    async def get_messages(
        self, conversation_id: UUID, start: int, limit: int, *, with_siblings: bool = False
    ) -> list[MessageView]:
        """A page in the order in which things were said; on demand with the answers that are not shown."""
        page = statements.messages_page(conversation_id, start, limit, with_siblings=with_siblings)
        return await self._views(conversation_id, (await self._session.scalars(page)).all())

    async def get_message(self, conversation_id: UUID, message_id: UUID) -> MessageView | None:
        """One message, whether it is shown or not; none when the conversation has no such message."""
        found = await self._session.scalars(statements.message_in(conversation_id, message_id))
        return next(iter(await self._views(conversation_id, found.all())), None)

    async def get_answer(self, run_id: UUID) -> Message | None:
        """The message that a run left; none when it said nothing."""
        answer: Message | None = await self._session.scalar(statements.answer_of(run_id))
        return answer

    async def _views(self, conversation_id: UUID, messages: Sequence[Message]) -> list[MessageView]:
        turns = {message.turn for message in messages if message.type == MessageType.AI_GENERATED}
        answers = await self._session.execute(statements.siblings_by_turn(conversation_id, turns))
        siblings = {turn: list(ids) for turn, ids in answers}
        return [MessageView.of(message, siblings.get(message.turn, [])) for message in messages]

    async def _save(
        self, conversation_id: UUID, run_id: UUID, snapshot: Snapshot, reason: str | None
    ) -> UUID | None:
        if not snapshot.is_worth_keeping:
            return None
        if reason is None and snapshot.text:
            await self._session.execute(statements.archive_shown_answer(conversation_id, run_id))
        statement = statements.insert_answer(conversation_id, run_id, snapshot.as_fields(), reason)
        message_id: UUID = (await self._session.execute(statement)).scalar_one()
        return message_id
