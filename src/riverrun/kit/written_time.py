"""Days and moments as RFC 3339 writes them. pydantic alone would also read numbers, as seconds since 1970."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(rf"{_DAY.pattern}[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def _require_day(value: Any) -> Any:
    if isinstance(value, str) and _DAY.fullmatch(value):
        return value
    raise ValueError("a day is written as 2026-11-29")


def _require_moment(value: Any) -> Any:
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return value
    raise ValueError("a moment is written as 2026-11-29T10:00:00Z, with its offset from UTC")


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("no calendar goes so far: take a year from 1 to 9999 in UTC") from None


WrittenDay = Annotated[date, BeforeValidator(_require_day)]
WrittenMoment = Annotated[AwareDatetime, BeforeValidator(_require_moment), AfterValidator(_in_utc)]
