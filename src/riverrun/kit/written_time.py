"""Days and moments as RFC 3339 writes them. pydantic alone would also read numbers, as seconds since 1970."""

import re
from datetime import date
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator

_DAY = r"\d{4}-\d\d-\d\d"
DAY = re.compile(_DAY)
MOMENT = re.compile(rf"{_DAY}[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def _require_day(value: Any) -> Any:
    if isinstance(value, str) and DAY.fullmatch(value):
        return value
    raise ValueError("a day is written as 2026-11-29")


def _require_moment(value: Any) -> Any:
    if isinstance(value, str) and MOMENT.fullmatch(value):
        return value
    raise ValueError("a moment is written as 2026-11-29T10:00:00Z, with its offset from UTC")


WrittenDay = Annotated[date, BeforeValidator(_require_day)]
WrittenMoment = Annotated[AwareDatetime, BeforeValidator(_require_moment)]
