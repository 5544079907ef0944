"""Allowances: how much of what a holder may ask in a period, and how much of it is used."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from riverrun.infra.plans import Plan
from riverrun.usage.errors import TooManyQuestions, UsageLimitReached
from riverrun.usage.models import HolderKind
from riverrun.usage.periods import Period

MEASURES = ("questions", "tokens")


@dataclass(frozen=True, slots=True)
class Allowance:
    """One limit and what is used of it. ``most`` none: there is no limit."""

    holder_kind: HolderKind
    holder_id: UUID
    measure: str
    period: Period
    most: int | None
    used: int
    resets_at: datetime

    @property
    def rest(self) -> int | None:
        """What is left; none without a limit."""
        return None if self.most is None else max(0, self.most - self.used)

    @property
    def is_used_up(self) -> bool:
        """Whether no further question fits. Tokens: a question is let through as long as one is left."""
        return self.rest == 0

    def with_used(self, used: int) -> "Allowance":
        """The same limit at another moment."""
        return replace(self, used=used)


def allowances_of(row: Any, plan: Plan, today: date) -> Iterator[Allowance]:
    """A holder's allowances; ``row`` is one of ``statements.standing``, whose own numbers win over the plan's."""
    for period in Period:
        for measure in MEASURES:
            name = f"{measure}_per_{period}"
            own: int | None = getattr(row, name)
            yield Allowance(
                HolderKind(row.holder_kind),
                row.holder_id,
                measure,
                period,
                getattr(plan, name) if own is None else own,
                getattr(row, f"{measure}_in_{period}"),
                period.resets_at(today),
            )


def refuse(spent: Sequence[Allowance], at: datetime) -> None:
    """Refuse a question for the allowance that takes longest to be there again; pass if none is ``spent``.

    Raises:
        UsageLimitReached: a month's.
        TooManyQuestions: a day's.
    """
    if not spent:
        return
    tightest = max(spent, key=lambda allowance: allowance.resets_at)
    kind = UsageLimitReached if tightest.period is Period.MONTH else TooManyQuestions
    raise kind(
        f"{_whose(tightest.holder_kind)} {tightest.most:,} {tightest.measure} of this {tightest.period} are used:"
        f" there are new ones at {tightest.resets_at:%Y-%m-%d %H:%M} UTC.",
        math.ceil((tightest.resets_at - at).total_seconds()),
        holder=tightest.holder_kind,
        holder_id=str(tightest.holder_id),
        measure=tightest.measure,
        period=tightest.period,
        limit=tightest.most,
        used=tightest.used,
        rest=0,
        resets_at=tightest.resets_at.isoformat(),
    )


def _whose(kind: HolderKind) -> str:
    return {HolderKind.USER: "Your", HolderKind.KEY: "This key's", HolderKind.ORGANISATION: "Your team's"}[
        kind
    ]
