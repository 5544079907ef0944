"""What an answer leaves in the record when the API has to end its run, because no worker holds it."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.conversations import statements
from riverrun.conversations.chat_history_service import AsyncChatHistoryService
from riverrun.conversations.models import CANCELLED
from riverrun.runs.models import Run
from riverrun.streaming.snapshot import Snapshot
from riverrun.usage.settlement import settle_orphan
from riverrun.usage.statements import settle


async def keep_orphaned_answer(session: AsyncSession, run: Run, snapshot: Snapshot) -> dict[str, Any] | None:
    """Store what was recorded of a stopped answer; the receipt's part of it. Other runs leave nothing here.

    Nothing stays of an answer whose conversation is deleted.
    """
    await session.execute(settle(run.id, settle_orphan(run.payload["question"], snapshot)))
    if await session.scalar(statements.conversation_of(run.id)) is None:
        await session.execute(statements.forget_answer_to_nobody(run.id))
        return None
    message_id = await AsyncChatHistoryService(session).save_partial_ai_message(
        run.subject_id, run.id, snapshot, reason=CANCELLED
    )
    return {"message_id": str(message_id) if message_id else None, "chars": len(snapshot.text)}
