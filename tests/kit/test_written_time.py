"""Days and moments are taken as the API's document says, and in no other form."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from riverrun.kit.written_time import FIRST, LAST, WrittenDay, WrittenMoment

DAY, MOMENT = TypeAdapter(WrittenDay), TypeAdapter(WrittenMoment)


def test_what_is_written_in_full_is_read() -> None:
    assert DAY.validate_python("2026-11-29") == date(2026, 11, 29)
    noon = datetime(2026, 11, 29, 12, tzinfo=UTC)
    for written in ("2026-11-29T12:00:00Z", "2026-11-29t13:00:00.000+01:00", noon.isoformat()):
        assert MOMENT.validate_python(written) == noon


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        ("9999-12-31T23:59:59-12:00", LAST),
        ("9999-12-31T23:59:59.999999Z", LAST),
        ("0001-01-01T00:00:05+04:00", FIRST),
        ("0001-01-01T00:00:00Z", FIRST),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_moments_at_the_ends_of_the_calendar_and_leap_seconds_are_moments(
    written: str, taken: datetime
) -> None:
    assert MOMENT.validate_python(written) == taken


@pytest.mark.parametrize("other", [0, 1.5, "0", "+0.0", "2026-11-29T00:00:00", "2026-13-01", "", None, True])
def test_anything_else_is_no_day(other: Any) -> None:
    with pytest.raises(ValidationError):
        DAY.validate_python(other)


@pytest.mark.parametrize(
    "other",
    [
        4e9,
        "4000000000",
        "2026-11-29",
        "2026-11-29T12:00:00",
        "2026-11-29T12:00Z",
        "2026-11-29T25:00:00Z",
    ],
)
def test_anything_else_is_no_moment(other: Any) -> None:
    with pytest.raises(ValidationError):
        MOMENT.validate_python(other)


def test_the_document_names_their_formats() -> None:
    assert DAY.json_schema() == {"type": "string", "format": "date"}
    assert MOMENT.json_schema() == {"type": "string", "format": "date-time"}
