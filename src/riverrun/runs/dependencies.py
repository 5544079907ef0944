"""What a route may ask of runs."""

from typing import Annotated

from fastapi import Depends, Request

from riverrun.infra.dependencies import CurrentResources
from riverrun.runs.channels import RunChannels
from riverrun.runs.event_log import AsyncEventLog
from riverrun.runs.outbox import Outbox
from riverrun.runs.position_answers import PositionAnswers
from riverrun.streaming.dependencies import CurrentHub, CurrentReader, CurrentRunLog, CurrentStreams


async def get_outbox(request: Request) -> Outbox:
    """The process's outbox."""
    outbox: Outbox = request.state.outbox
    return outbox


async def get_event_log(resources: CurrentResources) -> AsyncEventLog:
    """The log of record."""
    return AsyncEventLog(resources.engine)


CurrentOutbox = Annotated[Outbox, Depends(get_outbox)]


CurrentEventLog = Annotated[AsyncEventLog, Depends(get_event_log)]


async def get_channels(
    hub: CurrentHub, reader: CurrentReader, streams: CurrentStreams, outbox: CurrentOutbox
) -> RunChannels:
    """How this process tells about runs."""
    return RunChannels(hub, reader, streams, outbox)


async def get_position_answers(
    record: CurrentEventLog, streams: CurrentStreams, run_log: CurrentRunLog, reader: CurrentReader
) -> PositionAnswers:
    """How this process answers positions."""
    return PositionAnswers(record, streams, run_log, reader)


CurrentChannels = Annotated[RunChannels, Depends(get_channels)]
CurrentPositionAnswers = Annotated[PositionAnswers, Depends(get_position_answers)]
