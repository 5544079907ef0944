"""A conversation that one may see, continued as one's own."""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.auth.principal import Principal
from riverrun.conversations.conversation_views import ConversationViews
from riverrun.conversations.models import Conversation, Message, MessageStatus
from riverrun.conversations.statements import large_results, messages_page
from riverrun.kit.ids import new_uuid
from riverrun.streaming.redaction import hide_tool_calls

MESSAGES_A_STATEMENT = 500
RESULT_CHARS = 8_000
"""How much a copy keeps of a tool's result that its message only points to: the whole belongs to the original's run, and
goes with it.
"""
KEPT = ("type", "turn", "sender_id", "content", "thinking", "citations", "reason", "created_at")


class ConversationCopying:
    """Makes copies for one principal, in the request's transaction."""

    def __init__(self, session: AsyncSession, principal: Principal) -> None:
        self._session = session
        self._principal = principal

    async def copy(self, conversation_id: UUID) -> Conversation:
        """The principal's own conversation with the messages that are shown in this one, and as they are shown to them:
        excerpts of repositories that they may not see are not copied. To ask on they need the repositories.

        Raises:
            NotFound: the conversation is not there for this principal.
        """
        viewed = await ConversationViews(self._session, self._principal).look(conversation_id)
        original = viewed.conversation
        copied = Conversation(
            user_id=self._principal.user_id,
            title=original.title,
            project_ids=original.project_ids,
            agent_ids=original.agent_ids,
            local_mode=original.local_mode,
        )
        self._session.add(copied)
        await self._session.flush()
        for start in count(0, MESSAGES_A_STATEMENT):
            page = messages_page(conversation_id, start, MESSAGES_A_STATEMENT, with_siblings=False)
            messages = (await self._session.scalars(page)).all()
            results = {} if viewed.hides_sources else await self._large_results(messages)
            rows = [_row(one, copied.id, results, hides_sources=viewed.hides_sources) for one in messages]
            if rows:
                await self._session.execute(insert(Message), rows)
            if len(rows) < MESSAGES_A_STATEMENT:
                break
        return copied

    async def _large_results(self, messages: Sequence[Message]) -> dict[tuple[UUID, str], str]:
        """The beginnings of what tools said at length, by run and call."""
        run_ids = {message.run_id for message in messages if message.run_id}
        rows = await self._session.execute(large_results(run_ids, RESULT_CHARS))
        return {(run_id, call_id): beginning for run_id, call_id, beginning in rows}


def _row(
    message: Message, copy_id: UUID, results: Mapping[tuple[UUID, str], str], *, hides_sources: bool
) -> dict[str, Any]:
    if hides_sources:
        calls = hide_tool_calls(message.tool_calls)
    else:
        calls = [_by_itself(call, message.run_id, results) for call in message.tool_calls]
    return {
        "id": new_uuid(),
        "conversation_id": copy_id,
        "run_id": None,
        "status": MessageStatus.ACTIVE,
        "tool_calls": calls,
        **{name: getattr(message, name) for name in KEPT},
    }


def _by_itself(
    call: dict[str, Any], run_id: UUID | None, results: Mapping[tuple[UUID, str], str]
) -> dict[str, Any]:
    """The tool call with the beginning of its result in place of a pointer into the original's run."""
    if run_id is None or "pointer" not in call:
        return call
    kept = {name: value for name, value in call.items() if name != "pointer"}
    result = results.get((run_id, call["call_id"]))
    return kept if result is None else kept | {"result": result}
