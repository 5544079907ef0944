"""From an accepted question to its answer: as a stream, as a receipt, or whole."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from fastapi.responses import JSONResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.types import Receive

from riverrun.conversations.chat_history_service import AsyncChatHistoryService
from riverrun.conversations.conversation_service import Accepted
from riverrun.conversations.errors import AnswerFailed
from riverrun.conversations.run_reading import ReadableRun, RunReading
from riverrun.conversations.schemas import ChatMessageResponse, MessageAccepted
from riverrun.conversations.session_names import claim_name, name_of
from riverrun.infra.problem_handlers import CLIENT_GONE
from riverrun.kit.background import end
from riverrun.kit.problem import NotFound
from riverrun.runs.channels import RunChannels
from riverrun.runs.continuation import recorded_end
from riverrun.runs.models import Run, RunStatus
from riverrun.runs.position_answers import run_headers
from riverrun.runs.run_service import CreatedRun
from riverrun.streaming.cursor import START
from riverrun.streaming.hub import StreamHub
from riverrun.streaming.permits import Permit
from riverrun.streaming.reader_choice import StreamReader
from riverrun.streaming.redaction import hide_tool_calls
from riverrun.streaming.stream_endpoint import disconnected


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a client wants its answer: as a stream, whole, or not at all but a receipt; and under which name."""

    stream: bool = True
    background: bool = False
    session_id: str | None = None


async def answer_to(
    accepted: Accepted,
    delivery: Delivery,
    session: AsyncSession,
    channels: RunChannels,
    reading: RunReading,
    receive: Receive,
) -> Response | ChatMessageResponse:
    """Commit what was accepted, set it going, and answer as the client wants it.

    Raises:
        AnswerFailed: a whole answer was wanted, and there is none.
        NotFound: the same, and it is not the client's to read any more.
    """
    created = accepted.created
    name = await async_ensure_unique_run_id(session, created, delivery.session_id)
    stopped = created.stopped
    await channels.commit(
        session, ended=stopped.ended, stopping=stopped.still_running, wake_up=created.wake_up
    )
    if delivery.background:
        return receipt_of(accepted, name)
    permit = reading.permit(ReadableRun(created.run, accepted.hides_sources, accepted.project_ids))
    if delivery.stream:
        return await start_celery_task_and_stream(accepted, name, channels.reader, permit)
    return await start_celery_task_and_wait(accepted, session, channels.hub, permit, receive)


async def async_ensure_unique_run_id(session: AsyncSession, created: CreatedRun, wanted: str | None) -> str:
    """The run's name within its conversation, claimed in the transaction that creates the run.

    Of many that want the same name one gets it, the others ``wanted-1``, ``wanted-2``, ...: Postgres decides, by one
    INSERT. A run that has a name keeps it, so a repeated post is told the same; without a wish a run goes by its id.
    """
    run = created.run
    name: str | None = None if created.is_new else await session.scalar(name_of(run.id))
    while name is None and wanted is not None:
        name = await session.scalar(claim_name(run.subject_id, wanted, run.id))
    return name or str(run.id)


def receipt_of(accepted: Accepted, name: str) -> Response:
    """What a client needs to come back for the answer."""
    run = accepted.run
    receipt = MessageAccepted(run_id=run.id, session_id=name, message_id=accepted.message_id)
    return JSONResponse(receipt.model_dump(mode="json"), status_code=202, headers=run_headers(run, name))


async def start_celery_task_and_stream(
    accepted: Accepted, name: str, reader: StreamReader, permit: Permit
) -> Response:
    """The answer as it is written; the broker may be down, the first byte comes all the same."""
    run = accepted.run
    headers = run_headers(run, name)
    return await reader.open(run.id, START, permit=permit, headers=headers, known_top=recorded_end(run))


async def start_celery_task_and_wait(
    accepted: Accepted, session: AsyncSession, hub: StreamHub, permit: Permit, receive: Receive
) -> Response | ChatMessageResponse:
    """The whole answer, when it is there. No database connection is held meanwhile.

    A client that goes away, or loses its right to read, is waited for no longer; the run goes on, and its answer is kept.

    Raises:
        AnswerFailed: the run ended in error or was stopped, or the server leaves before its end.
        NotFound: the right to read it, or its sources, was taken away meanwhile, or its conversation was deleted.
    """
    run, lost = accepted.run, asyncio.Event()
    end = hub.wait_for_end(run.id, known_top=recorded_end(run))
    with permit.held(lost.set):
        is_awaited = await _comes_first(end, disconnected(receive), lost.wait())
    if lost.is_set():
        raise NotFound
    if not is_awaited:
        return Response(status_code=CLIENT_GONE)
    ended = await session.get(Run, run.id, populate_existing=True)
    if ended is None:
        raise NotFound
    if ended.status != RunStatus.COMPLETED:
        why = (ended.error or {}).get("detail") or f"The run is {ended.status}; follow it under its id."
        raise AnswerFailed(why, run_id=str(run.id))
    answer = await AsyncChatHistoryService(session).get_answer(run.id)
    if answer is None:
        raise AnswerFailed("The run completed without a word.", run_id=str(run.id))
    return ChatMessageResponse(
        message=answer.content,
        citations=answer.citations,
        tool_calls=hide_tool_calls(answer.tool_calls) if accepted.hides_sources else answer.tool_calls,
        thinking=answer.thinking,
        run_id=run.id,
    )


async def _comes_first(awaited: Coroutine[Any, Any, object], *others: Coroutine[Any, Any, object]) -> bool:
    """Wait for whatever ends first; whether that was what is awaited."""
    tasks = [asyncio.ensure_future(one) for one in (awaited, *others)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return tasks[0].done()
    finally:
        await end(tasks)
