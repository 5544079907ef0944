"""Of all that refuse a question, what takes longest is named."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from riverrun.usage.allowances import Allowance, refuse
from riverrun.usage.errors import TooManyQuestions, UsageLimitReached
from riverrun.usage.models import HolderKind
from riverrun.usage.periods import Period

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
SOMEBODY = uuid4()


def allowance(
    period: Period, most: int | None = 5, used: int = 5, holder: UUID = SOMEBODY, **other: Any
) -> Allowance:
    given = {"holder_kind": HolderKind.USER, "measure": "questions"} | other
    return Allowance(
        holder_id=holder,
        period=period,
        most=most,
        used=used,
        resets_at=period.resets_at(date(2026, 3, 14)),
        **given,
    )


@pytest.mark.parametrize(
    ("most", "used", "rest"), [(None, 99, None), (5, 0, 5), (5, 4, 1), (5, 5, 0), (5, 9, 0), (0, 0, 0)]
)
def test_the_rest_is_never_negative(most: int | None, used: int, rest: int | None) -> None:
    one = allowance(Period.DAY, most, used)
    assert one.rest == rest
    assert one.is_used_up == (rest == 0)


def test_nothing_refuses_where_nothing_is_used_up() -> None:
    refuse([], NOON)


def test_a_used_up_day_is_429_until_midnight() -> None:
    with pytest.raises(TooManyQuestions) as refused:
        refuse([allowance(Period.DAY)], NOON)
    assert (refused.value.status, refused.value.retry_after_seconds) == (429, 12 * 3600)


def test_a_used_up_month_is_402_until_the_next_though_the_day_is_used_up_too() -> None:
    with pytest.raises(UsageLimitReached) as refused:
        refuse([allowance(Period.DAY), allowance(Period.MONTH, used=7), allowance(Period.DAY)], NOON)
    assert refused.value.status == 402
    assert refused.value.retry_after_seconds == (datetime(2026, 4, 1, tzinfo=UTC) - NOON).total_seconds()
    said = refused.value.document()
    assert (said["limit"], said["used"], said["rest"], said["period"]) == (5, 7, 0, "month")
    assert datetime.fromisoformat(said["resets_at"]) == datetime(2026, 4, 1, tzinfo=UTC)


def test_a_part_of_a_second_is_waited_for_whole() -> None:
    with pytest.raises(TooManyQuestions) as refused:
        refuse([allowance(Period.DAY)], NOON + timedelta(milliseconds=1))
    assert refused.value.retry_after_seconds == 12 * 3600


@pytest.mark.parametrize(
    ("kind", "words"),
    [(HolderKind.USER, "Your"), (HolderKind.KEY, "This key's"), (HolderKind.ORGANISATION, "Your team's")],
)
def test_it_is_said_whose_limit_it_is(kind: HolderKind, words: str) -> None:
    with pytest.raises(TooManyQuestions, match=words) as refused:
        refuse([allowance(Period.DAY, holder_kind=kind, measure="tokens")], NOON)
    said = refused.value.document()
    assert (said["holder"], said["holder_id"], said["measure"]) == (kind, str(SOMEBODY), "tokens")
