"""The record of a conversation: read by the agent for its history, written with the end of a run."""

from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.conversations import statements
from riverrun.conversations.models import Message
from riverrun.conversations.schemas import MessageView
from riverrun.streaming.snapshot import Snapshot


class ChatHistoryService:
    """For workers; in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get_session_history(self, conversation_id: UUID) -> list[tuple[str, str]]:
        """The newest messages as ``(type, content)``, oldest first."""
        rows = self._connection.execute(statements.session_history(conversation_id)).all()
        return [(row.type, row.content) for row in reversed(rows)]

    def save_ai_message(
        self, conversation_id: UUID, run_id: UUID, snapshot: Snapshot, *, reason: str | None
    ) -> UUID | None:
        """Store what was said; silence is not stored. ``reason`` says why it is partial, none when it is whole."""
        if not (snapshot.text or snapshot.tool_calls):
            return None
        statement = statements.insert_answer(conversation_id, run_id, snapshot.as_fields(), reason)
        message_id: UUID = self._connection.execute(statement).scalar_one()
        return message_id


class AsyncChatHistoryService:
    """For the API; in the request's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get_messages(self, conversation_id: UUID, start: int, limit: int) -> list[MessageView]:
        """A page in the order in which things were said."""
        rows = await self._session.scalars(statements.messages_page(conversation_id, start, limit))
        return [MessageView.of(message) for message in rows]

    async def get_answer(self, run_id: UUID) -> Message | None:
        """The message that a run left; none when it said nothing."""
        answer: Message | None = await self._session.scalar(statements.answer_of(run_id))
        return answer
