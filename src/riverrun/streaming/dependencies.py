"""What a route may ask of streaming."""

from typing import Annotated, Any

from fastapi import Depends, Header, Query, Request
from pydantic import Field

from riverrun.kit.problem import BadRequest
from riverrun.streaming.cursor import FORM, Cursor
from riverrun.streaming.errors import MalformedCursor
from riverrun.streaming.hub import StreamHub
from riverrun.streaming.reader_choice import StreamReader
from riverrun.streaming.redis_streaming import AsyncRedisStreamManager
from riverrun.streaming.run_log import RunLog
from riverrun.streaming.wanted_runs import MAX_RUNS, VECTOR_FORM, WANTED_FORM, WantedRun, parse_wanted

FROM_THE_START = Cursor(None, 0)
SAID: dict[str, Any] = {"pattern": f"^({FORM})?$"}
SAID_VECTOR: dict[str, Any] = {"pattern": VECTOR_FORM}
SAID_RUNS: dict[str, Any] = {"minItems": 1, "maxItems": MAX_RUNS, "uniqueItems": True}
"""For the API's document. What does not fit is a position that cannot be read, and so another problem than other fields'."""


async def get_hub(request: Request) -> StreamHub:
    """The process's hub."""
    hub: StreamHub = request.state.hub
    return hub


async def get_reader(request: Request) -> StreamReader:
    """How the process reads streams for its clients."""
    reader: StreamReader = request.state.reader
    return reader


async def get_streams(request: Request) -> AsyncRedisStreamManager:
    """The process's hand on the streams."""
    streams: AsyncRedisStreamManager = request.state.streams
    return streams


async def get_run_log(request: Request) -> RunLog:
    """The merged log of runs."""
    run_log: RunLog = request.state.run_log
    return run_log


async def get_cursor(
    last_event_id: Annotated[str | None, Header(json_schema_extra=SAID)] = None,
    cursor: Annotated[
        str | None,
        Query(description="`0-0`, `N` or `<attempt>-<seq>`, exclusive", json_schema_extra=SAID),
    ] = None,
    after: Annotated[str | None, Query(description="The same as `cursor`", json_schema_extra=SAID)] = None,
) -> Cursor:
    """The last event that the client has. The header wins: a browser sends it when it reconnects by itself."""
    try:
        given = [Cursor.parse(text) for text in (last_event_id, cursor, after) if text]
    except MalformedCursor as error:
        raise BadRequest(f"Cursor: {error}.") from error
    return given[0] if given else FROM_THE_START


async def get_wanted_runs(
    run: Annotated[
        list[Annotated[str, Field(json_schema_extra={"pattern": WANTED_FORM})]],
        Query(
            description="`<run_id>` or `<run_id>@<position>`, once for each run", json_schema_extra=SAID_RUNS
        ),
    ],
    last_event_id: Annotated[str | None, Header(json_schema_extra=SAID_VECTOR)] = None,
) -> list[WantedRun]:
    """The runs that one stream follows. The header holds a position for each: a browser sends it when it reconnects."""
    try:
        return parse_wanted(run, last_event_id)
    except MalformedCursor as error:
        raise BadRequest(f"Runs: {error}.") from error


CurrentReader = Annotated[StreamReader, Depends(get_reader)]
CurrentHub = Annotated[StreamHub, Depends(get_hub)]
CurrentStreams = Annotated[AsyncRedisStreamManager, Depends(get_streams)]
CurrentRunLog = Annotated[RunLog, Depends(get_run_log)]
CurrentCursor = Annotated[Cursor, Depends(get_cursor)]
CurrentWantedRuns = Annotated[list[WantedRun], Depends(get_wanted_runs)]
