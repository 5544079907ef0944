"""Usage on the wire."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints

from riverrun.infra.plans import Amount
from riverrun.kit.storable_text import STORABLE
from riverrun.usage.allowances import Allowance
from riverrun.usage.models import HolderKind, UsageLimit
from riverrun.usage.periods import Period

PlanName = Annotated[str, StringConstraints(min_length=1, max_length=100), STORABLE]


class AllowanceView(BaseModel):
    """A limit and what is left of it. Tokens that questions under way have reserved are ``used``."""

    holder: HolderKind
    holder_id: UUID
    measure: str
    period: Period
    limit: int
    used: int
    rest: int
    resets_at: datetime

    @classmethod
    def of(cls, allowance: Allowance) -> Self:
        """Of an allowance that has a limit."""
        assert allowance.most is not None
        assert allowance.rest is not None
        return cls(
            holder=allowance.holder_kind,
            holder_id=allowance.holder_id,
            measure=allowance.measure,
            period=allowance.period,
            limit=allowance.most,
            used=allowance.used,
            rest=allowance.rest,
            resets_at=allowance.resets_at,
        )


class UsageView(BaseModel):
    """What a user has asked in some UTC days, and what is left.

    ``total_human_messages`` and ``agent_message_counts`` are questions without those that were answered again;
    ``questions`` are all that count.
    """

    start_date: date
    end_date: date
    total_human_messages: int
    agent_message_counts: dict[str, int]
    questions: int
    tokens: int
    plan: str | None
    limits: list[AllowanceView]


class UserUsage(BaseModel):
    """What one user has asked, as administrators see it."""

    user_id: UUID
    email: str
    questions: int
    tokens: int


class LimitChange(BaseModel):
    """A plan of ``RIVERRUN_PLANS``, numbers that win over it, or both."""

    model_config = ConfigDict(extra="forbid")

    plan: PlanName | None = None
    questions_per_day: Amount | None = None
    questions_per_month: Amount | None = None
    tokens_per_day: Amount | None = None
    tokens_per_month: Amount | None = None


class LimitView(LimitChange):
    """What was laid down for a holder; ``name`` is an e-mail address, or what the key or organisation is called."""

    holder: HolderKind
    holder_id: UUID
    name: str

    @classmethod
    def of(cls, row: UsageLimit, name: str) -> Self:
        numbers = {field: getattr(row, field) for field in LimitChange.model_fields}
        return cls(holder=HolderKind(row.holder_kind), holder_id=row.holder_id, name=name, **numbers)
