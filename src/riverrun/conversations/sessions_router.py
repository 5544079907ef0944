"""Sessions over HTTP: which run is under way in a conversation, how it stands, and its stream from a position on."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response

from riverrun.auth.dependencies import CurrentViewer
from riverrun.auth.request_rates import STREAM_RATE
from riverrun.conversations.dependencies import NAME_FORM
from riverrun.conversations.run_reading import CurrentRunReading
from riverrun.conversations.session_service import AsyncSessionService
from riverrun.conversations.session_views import ActiveSession, TaskStatus
from riverrun.infra.dependencies import AsyncDb, commit_now
from riverrun.infra.plain_route import PlainRoute
from riverrun.runs.dependencies import CurrentPositionAnswers
from riverrun.streaming.dependencies import CurrentCursor, CurrentRunLog, CurrentStreams

sessions_router = APIRouter(prefix="/conversations", tags=["conversations"], route_class=PlainRoute)

LONGEST_WAIT_SECONDS = 25.0
STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}},
    204: {"description": "Nothing is missing; the run is over"},
}


async def get_session_service(
    db: AsyncDb, viewer: CurrentViewer, streams: CurrentStreams, run_log: CurrentRunLog
) -> AsyncSessionService:
    """The service for this request."""
    return AsyncSessionService(db, viewer, streams, run_log)


CurrentSessions = Annotated[AsyncSessionService, Depends(get_session_service)]


@sessions_router.get("/{conversation_id}/active-session")
async def get_active_session(
    conversation_id: UUID,
    sessions: CurrentSessions,
    snapshot: Annotated[bool, Query(description="Also what was said up to the cursor")] = False,
) -> ActiveSession:
    """The run under way, to be followed from wherever the client is; 404 when none is."""
    return await sessions.get_active_session(conversation_id, with_snapshot=snapshot)


@sessions_router.get("/{conversation_id}/task-status")
async def get_task_status(
    conversation_id: UUID,
    sessions: CurrentSessions,
    wait_seconds: Annotated[
        float, Query(ge=0, le=LONGEST_WAIT_SECONDS, description="Wait so long for a worker to take the run")
    ] = 0,
) -> TaskStatus:
    """How the run under way stands, else the newest one."""
    return await sessions.get_task_status(conversation_id, wait_seconds=wait_seconds)


@sessions_router.post(
    "/{conversation_id}/resume/{session_id}",
    response_class=Response,
    responses=STREAM,
    dependencies=[STREAM_RATE],
)
async def resume(
    conversation_id: UUID,
    session_id: Annotated[str, Path(pattern=NAME_FORM, max_length=250)],
    sessions: CurrentSessions,
    db: AsyncDb,
    cursor: CurrentCursor,
    reading: CurrentRunReading,
    answers: CurrentPositionAnswers,
) -> Response:
    """The run's events after the given position, live until its end; 204 when nothing is missing."""
    found = await sessions.find_run(conversation_id, session_id)
    await commit_now(db)
    return await answers.answer(found.run, cursor, permit=reading.permit(found), name=session_id)
