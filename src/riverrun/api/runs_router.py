"""Runs over HTTP: list, look, follow, stop."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from riverrun.auth.dependencies import CurrentPrincipal
from riverrun.auth.grants import Right
from riverrun.auth.principal import get_scoped, scoped
from riverrun.auth.request_rates import STREAM_RATE
from riverrun.conversations.orphaned_answers import keep_orphaned_answer
from riverrun.conversations.questions import require_say
from riverrun.conversations.run_reading import CurrentRunReading
from riverrun.infra.dependencies import AsyncDb, commit_now
from riverrun.infra.path_text import PATH_TEXT
from riverrun.infra.plain_route import PlainRoute
from riverrun.kit.problem import NotFound
from riverrun.kit.storable_text import StorableText
from riverrun.parsing.orphaned_indexing import note_orphaned_stop
from riverrun.runs.dependencies import CurrentChannels, CurrentEventLog, CurrentPositionAnswers
from riverrun.runs.models import Run, RunKind
from riverrun.runs.outsized import stored_result
from riverrun.runs.schemas import RunView, StopReceipt, ToolResultView
from riverrun.runs.seating import find_seats
from riverrun.runs.stopping import stop_run
from riverrun.streaming.dependencies import (
    CurrentCursor,
    CurrentHub,
    CurrentRunLog,
    CurrentStreams,
    CurrentWantedRuns,
)
from riverrun.streaming.multiplex import MultiplexStream

runs_router = APIRouter(prefix="/runs", tags=["runs"], route_class=PlainRoute)

SSE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}},
    204: {"description": "Nothing is missing; the run is over"},
}


@runs_router.get("")
async def list_runs(
    principal: CurrentPrincipal, db: AsyncDb, limit: Annotated[int, Query(ge=1, le=200)] = 20
) -> list[RunView]:
    """The newest runs first: those of your own conversations and repositories, whoever asked for them."""
    runs = await db.scalars(
        scoped(principal, Run).order_by(Run.created_at.desc(), Run.id.desc()).limit(limit)
    )
    return [RunView.of(run) for run in runs]


@runs_router.get("/events", response_class=Response, responses=SSE, dependencies=[STREAM_RATE])
async def follow_runs(
    wanted: CurrentWantedRuns,
    reading: CurrentRunReading,
    db: AsyncDb,
    hub: CurrentHub,
    record: CurrentEventLog,
    streams: CurrentStreams,
    run_log: CurrentRunLog,
) -> Response:
    """The events of many runs over one connection, each after its position and to its end; 204 when none is missing."""
    found = await reading.find_all([one.run_id for one in wanted])
    await commit_now(db)
    runs = {run_id: readable.run for run_id, readable in found.items()}
    seats = await find_seats(wanted, runs, record, streams, run_log)
    if not any(seat.has_news for seat in seats):
        return Response(status_code=204)
    return MultiplexStream(hub, seats, reading.permit(*found.values()))


@runs_router.get("/{run_id}")
async def get_run(run_id: UUID, reading: CurrentRunReading) -> RunView:
    """One run."""
    return RunView.of((await reading.find(run_id)).run)


@runs_router.get("/{run_id}/events", response_class=Response, responses=SSE, dependencies=[STREAM_RATE])
async def follow_run(
    run_id: UUID,
    reading: CurrentRunReading,
    db: AsyncDb,
    cursor: CurrentCursor,
    answers: CurrentPositionAnswers,
) -> Response:
    """The run's events after the given position, live until its end; 204 when nothing is missing."""
    found = await reading.find(run_id)
    await commit_now(db)
    return await answers.answer(found.run, cursor, permit=reading.permit(found))


@runs_router.get(f"/{{run_id}}/results/{{call_id:{PATH_TEXT}}}")
async def get_result(
    run_id: UUID, call_id: StorableText, reading: CurrentRunReading, db: AsyncDb
) -> ToolResultView:
    """A tool's result that was too large for its event, as the event's ``pointer`` names it.

    Where the repositories are not yours to see there is none.
    """
    found = await reading.find(run_id)
    result = await db.scalar(stored_result(run_id, call_id))
    if result is None or found.hides_sources:
        raise NotFound
    return ToolResultView.of(result)


@runs_router.post("/{run_id}/stop")
async def stop(
    run_id: UUID, principal: CurrentPrincipal, db: AsyncDb, channels: CurrentChannels
) -> StopReceipt:
    """Stop the run; the receipt says what is kept."""
    run = await get_scoped(db, principal, Run, run_id, Right.ASK)
    require_say(principal, run)
    record = note_orphaned_stop if run.kind == RunKind.INDEXING else keep_orphaned_answer
    return await stop_run(run, db, channels, record)
