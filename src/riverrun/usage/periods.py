"""Days and months, as they are in UTC: the same for everybody, whatever a host's zone."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum


class Period(StrEnum):
    """What a limit is for."""

    DAY = "day"
    MONTH = "month"

    def starts_on(self, day: date) -> date:
        """The first day of the period that ``day`` is in."""
        return day if self is Period.DAY else day.replace(day=1)

    def resets_at(self, day: date) -> datetime:
        """The instant at which the next period begins."""
        return datetime.combine(self._next(self.starts_on(day)), time(), UTC)

    def _next(self, first_day: date) -> date:
        if self is Period.DAY:
            return first_day + timedelta(days=1)
        return (first_day + timedelta(days=31)).replace(day=1)
