"""From an accepted question to its answer: as a stream, as a receipt, or whole."""

from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.conversations.chat_history_service import AsyncChatHistoryService
from riverrun.conversations.conversation_service import Accepted
from riverrun.conversations.errors import AnswerFailed
from riverrun.conversations.schemas import ChatMessageResponse
from riverrun.infra.dependencies import after_commit, commit_now
from riverrun.runs.models import Run, RunStatus
from riverrun.runs.outbox import Outbox
from riverrun.streaming.cursor import START
from riverrun.streaming.hub import StreamHub
from riverrun.streaming.stream_endpoint import EventStream


def wake_worker(accepted: Accepted, session: AsyncSession, outbox: Outbox) -> None:
    """Send the wake-up once the question is committed; a rollback sends nothing."""
    wake_up = accepted.created.wake_up
    if wake_up is not None:
        after_commit(session, lambda: outbox.send_soon(wake_up))


def start_celery_task_and_stream(accepted: Accepted, hub: StreamHub) -> EventStream:
    """The answer as it is written; the broker may be down, the first byte comes all the same."""
    return EventStream(hub, accepted.run.id, START, headers=run_headers(accepted.run))


async def start_celery_task_and_wait(
    accepted: Accepted, session: AsyncSession, hub: StreamHub
) -> ChatMessageResponse:
    """The whole answer, when it is there. No database connection is held meanwhile.

    Raises:
        AnswerFailed: the run ended in error or was stopped, or the server leaves before its end.
    """
    await commit_now(session)
    run = accepted.run
    await hub.wait_for_end(run.id)
    await session.refresh(run)
    if run.status != RunStatus.COMPLETED:
        why = (run.error or {}).get("detail") or f"The run is {run.status}; follow it under its id."
        raise AnswerFailed(why, run_id=str(run.id))
    answer = await AsyncChatHistoryService(session).get_answer(run.id)
    if answer is None:
        raise AnswerFailed("The run completed without a word.", run_id=str(run.id))
    return ChatMessageResponse(
        message=answer.content,
        citations=answer.citations,
        tool_calls=answer.tool_calls,
        thinking=answer.thinking,
        run_id=run.id,
    )


def run_headers(run: Run) -> dict[str, str]:
    """How a client names the run when it comes back."""
    return {"x-run-id": str(run.id), "x-session-id": str(run.id)}
