"""Days and months are those of UTC."""

from datetime import UTC, date, datetime

import pytest

from riverrun.usage.periods import Period


@pytest.mark.parametrize(
    ("period", "day", "first", "resets"),
    [
        (Period.DAY, date(2026, 2, 28), date(2026, 2, 28), datetime(2026, 3, 1, tzinfo=UTC)),
        (Period.DAY, date(2028, 2, 28), date(2028, 2, 28), datetime(2028, 2, 29, tzinfo=UTC)),
        (Period.DAY, date(2026, 12, 31), date(2026, 12, 31), datetime(2027, 1, 1, tzinfo=UTC)),
        (Period.MONTH, date(2026, 1, 31), date(2026, 1, 1), datetime(2026, 2, 1, tzinfo=UTC)),
        (Period.MONTH, date(2026, 2, 1), date(2026, 2, 1), datetime(2026, 3, 1, tzinfo=UTC)),
        (Period.MONTH, date(2026, 12, 5), date(2026, 12, 1), datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_period_begins_and_ends_at_midnight_utc(
    period: Period, day: date, first: date, resets: datetime
) -> None:
    assert (period.starts_on(day), period.resets_at(day)) == (first, resets)
