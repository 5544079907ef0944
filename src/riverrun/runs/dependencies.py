"""What a route may ask of runs."""

from typing import Annotated

from fastapi import Depends, Request

from riverrun.infra.dependencies import CurrentResources
from riverrun.runs.channels import RunChannels
from riverrun.runs.event_log import AsyncEventLog
from riverrun.runs.outbox import Outbox
from riverrun.streaming.dependencies import CurrentHub, CurrentStreams


def get_outbox(request: Request) -> Outbox:
    """The process's outbox."""
    outbox: Outbox = request.state.outbox
    return outbox


def get_event_log(resources: CurrentResources) -> AsyncEventLog:
    """The log of record."""
    return AsyncEventLog(resources.engine)


CurrentOutbox = Annotated[Outbox, Depends(get_outbox)]


def get_channels(hub: CurrentHub, streams: CurrentStreams, outbox: CurrentOutbox) -> RunChannels:
    """How this process tells about runs."""
    return RunChannels(hub, streams, outbox)


CurrentChannels = Annotated[RunChannels, Depends(get_channels)]
CurrentEventLog = Annotated[AsyncEventLog, Depends(get_event_log)]
