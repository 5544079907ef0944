"""Conversations for those who look at them: their owners, those they are shared with, and guests who hold a link."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.auth.dependencies import CurrentViewer
from riverrun.auth.principal import Principal, caller, scoped, shared_with
from riverrun.conversations.chat_history_service import AsyncChatHistoryService
from riverrun.conversations.info_statement import CONVERSATION_INFO
from riverrun.conversations.models import Conversation
from riverrun.conversations.reading_statements import VIEWED_CONVERSATION
from riverrun.conversations.repository_names import repository_names
from riverrun.conversations.schemas import ConversationInfo, ConversationView, MessageView, ViewedConversation
from riverrun.infra.dependencies import AsyncDb
from riverrun.kit.problem import NotFound


class ConversationViews:
    """A verb a use case, in the request's transaction, for one principal, who may be a guest."""

    def __init__(self, session: AsyncSession, principal: Principal) -> None:
        self._session = session
        self._principal = principal
        self._history = AsyncChatHistoryService(session)

    async def list_conversations(self, start: int, limit: int, *, shared: bool) -> list[ConversationView]:
        """The principal's conversations, or those that others share with them; the last used first."""
        rows = await self._session.scalars(
            (self._shared() if shared else scoped(self._principal, Conversation))
            .order_by(Conversation.updated_at.desc(), Conversation.id.desc())
            .offset(start)
            .limit(limit)
        )
        conversations = rows.all()
        names = await repository_names(self._session, conversations)
        return [ConversationView.of(row, names) for row in conversations]

    async def get_info(self, conversation_id: UUID) -> ConversationInfo:
        """One conversation with its number of messages, and what the principal may do with it."""
        info = await CONVERSATION_INFO.first(self._session, self._asked(conversation_id))
        if info is None:
            raise NotFound
        return ConversationInfo(**info)

    async def get_messages(
        self, conversation_id: UUID, start: int, limit: int, *, with_siblings: bool
    ) -> list[MessageView]:
        """A page of what was said, in order; without excerpts where the repositories are not the principal's to see."""
        viewed = await self.look(conversation_id)
        page = await self._history.get_messages(conversation_id, start, limit, with_siblings=with_siblings)
        return [message.without_sources() for message in page] if viewed.hides_sources else page

    async def get_message(self, conversation_id: UUID, message_id: UUID) -> MessageView:
        """One message, likewise.

        Raises:
            NotFound: it is not there for this principal.
        """
        viewed = await self.look(conversation_id)
        message = await self._history.get_message(conversation_id, message_id)
        if message is None:
            raise NotFound
        return message.without_sources() if viewed.hides_sources else message

    async def look(self, conversation_id: UUID) -> ViewedConversation:
        """The conversation, and what the principal may do with it, in one query.

        Raises:
            NotFound: it is not there for this principal.
        """
        rows = await self._session.execute(VIEWED_CONVERSATION, self._asked(conversation_id))
        if (row := rows.one_or_none()) is None:
            raise NotFound
        return ViewedConversation(*row)

    def _asked(self, conversation_id: UUID) -> dict[str, Any]:
        return {**caller(self._principal), "conversation_id": conversation_id}

    def _shared(self) -> Select[Conversation]:
        others = select(Conversation).where(Conversation.user_id != self._principal.user_id)
        return others.where(Conversation.id.in_(shared_with(self._principal)))


async def get_conversation_views(db: AsyncDb, viewer: CurrentViewer) -> ConversationViews:
    """The views of this request's caller."""
    return ConversationViews(db, viewer)


CurrentViews = Annotated[ConversationViews, Depends(get_conversation_views)]
