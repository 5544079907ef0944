"""What a route may ask of usage."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import Depends, Query, Request

from riverrun.infra.dependencies import CurrentSettings
from riverrun.kit.clock import now
from riverrun.kit.problem import InvalidRequest
from riverrun.kit.written_time import WrittenDay
from riverrun.usage.periods import Period
from riverrun.usage.subscriptions import Subscriptions
from riverrun.usage.usage_service import UsageService

LONGEST_RANGE = timedelta(days=366)


async def get_usage_service(request: Request, settings: CurrentSettings) -> UsageService:
    """The service, beside the process's one billing client."""
    subscriptions: Subscriptions = request.state.subscriptions
    return UsageService(settings, subscriptions)


async def get_days(
    start_date: Annotated[
        WrittenDay | None, Query(description="The first UTC day; else the month's first")
    ] = None,
    end_date: Annotated[WrittenDay | None, Query(description="The last UTC day; else today")] = None,
) -> tuple[date, date]:
    """The first and the last day, both included.

    Raises:
        InvalidRequest: they are the wrong way round, or more than a year.
    """
    last = end_date or now().date()
    first = start_date or Period.MONTH.starts_on(last)
    if first > last:
        raise InvalidRequest("start_date is after end_date.")
    if last - first >= LONGEST_RANGE:  # the last day is one of them
        raise InvalidRequest(f"At most {LONGEST_RANGE.days} days at a time.")
    return first, last


CurrentUsage = Annotated[UsageService, Depends(get_usage_service)]
CurrentDays = Annotated[tuple[date, date], Depends(get_days)]
