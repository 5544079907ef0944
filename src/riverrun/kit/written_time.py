"""Days and moments as RFC 3339 writes them. pydantic alone would also read numbers, as seconds since 1970."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(rf"{_DAY.pattern}[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_LEAP_SECOND = re.compile(r"(:\d\d:)60")
"""Written by the rule, and unknown to Python."""

FIRST, LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
"""A day from the calendar's ends, which drivers of databases take for infinity."""


def _require_day(value: Any) -> Any:
    if isinstance(value, str) and _DAY.fullmatch(value):
        return value
    raise ValueError("a day is written as 2026-11-29")


def _require_moment(value: Any) -> Any:
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return _LEAP_SECOND.sub(r"\g<1>59", value)
    raise ValueError("a moment is written as 2026-11-29T10:00:00Z, with its offset from UTC")


def _in_utc(moment: datetime) -> datetime:
    """Hours beyond the calendar's ends, as UTC may be, mean what its first and its last day mean."""
    try:
        return min(max(moment.astimezone(UTC), FIRST), LAST)
    except OverflowError:
        return FIRST if moment.year == FIRST.year else LAST


WrittenDay = Annotated[date, BeforeValidator(_require_day)]
WrittenMoment = Annotated[AwareDatetime, BeforeValidator(_require_moment), AfterValidator(_in_utc)]
