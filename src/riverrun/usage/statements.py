"""Usage as SQL, for the API and for workers alike. Every counter is changed in the transaction of its entry."""

from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    BindParameter,
    ColumnElement,
    Date,
    Insert,
    Integer,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    select,
    union,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from riverrun.auth.api_keys import ApiKey
from riverrun.usage.models import EntryState, HolderKind, Subscription, UsageCounter, UsageEntry, UsageLimit
from riverrun.usage.periods import Period
from riverrun.usage.settlement import Settlement
from riverrun.users.organisations import OrganisationMember

NUMBERS = ("questions_per_day", "questions_per_month", "tokens_per_day", "tokens_per_month")
COUNTED = UsageEntry.state != EntryState.RELEASED


def standing(user_id: UUID, token_id: UUID | None, today: date) -> Select[Any]:
    """A row for each holder on whose counters a question of the user would be, with its limits and what is used.

    ``token_id`` is that by which they came; only an API key's is a holder. ``subscribed`` and ``learnt_at`` are what the
    billing system said of the user.
    """
    return _standing().params(
        user_id=user_id,
        token_id=token_id,
        **{period: period.starts_on(today) for period in Period},
    )


@cache
def _standing() -> Select[Any]:
    """Built once, since that takes milliseconds, and every question asks for it."""
    user_id, token_id = bindparam("user_id", type_=Uuid), bindparam("token_id", type_=Uuid)
    holders = union_all(
        select(literal(HolderKind.USER, Text).label("kind"), user_id.label("id")),
        select(literal(HolderKind.KEY, Text), ApiKey.id).where(ApiKey.id == token_id),
        select(literal(HolderKind.ORGANISATION, Text), OrganisationMember.organisation_id).where(
            OrganisationMember.user_id == user_id
        ),
    ).cte("holders")
    day, month = aliased(UsageCounter), aliased(UsageCounter)
    return (
        select(
            holders.c.kind.label("holder_kind"),
            holders.c.id.label("holder_id"),
            UsageLimit.plan,
            *(getattr(UsageLimit, name) for name in NUMBERS),
            Subscription.plan.label("subscribed"),
            Subscription.learnt_at,
            *_used(day, Period.DAY),
            *_used(month, Period.MONTH),
        )
        .outerjoin(
            UsageLimit,
            and_(UsageLimit.holder_kind == holders.c.kind, UsageLimit.holder_id == holders.c.id),
        )
        .outerjoin(
            Subscription,
            and_(holders.c.kind == HolderKind.USER, Subscription.user_id == holders.c.id),
        )
        .outerjoin(day, _is_counter(day, holders, Period.DAY))
        .outerjoin(month, _is_counter(month, holders, Period.MONTH))
        .order_by(holders.c.kind, holders.c.id)
    )


def _used(counter: type[UsageCounter], period: Period) -> list[ColumnElement[int]]:
    return [
        func.coalesce(counter.questions, 0).label(f"questions_in_{period}"),
        func.coalesce(counter.tokens, 0).label(f"tokens_in_{period}"),
    ]


def _is_counter(counter: type[UsageCounter], holders: CTE, period: Period) -> ColumnElement[bool]:
    return and_(
        counter.holder_kind == holders.c.kind,
        counter.holder_id == holders.c.id,
        counter.period == period,
        counter.starts_on == bindparam(period, type_=Date),
    )


def reserve(values: dict[str, Any]) -> Select[str, UUID, str, int, int]:
    """Enter a question and put it on its holders' counters; returns ``(holder_kind, holder_id, period, questions, tokens)``
    as they are with it.

    The counters stay locked until the transaction ends: of many questions at once each sees those before it.
    """
    return _reserve(tuple(values)).params({f"its_{name}": value for name, value in values.items()})


@cache
def _reserve(names: tuple[str, ...]) -> Select[Any]:
    """Built once, as ``_standing``."""
    columns = UsageEntry.__table__.columns
    values = {name: bindparam(f"its_{name}", type_=columns[name].type) for name in names}
    entry = insert(UsageEntry).values(values).returning(*_entry_columns()).cte("entry")
    added = _count(entry, literal(1, Integer), entry.c.tokens).returning(
        UsageCounter.holder_kind,
        UsageCounter.holder_id,
        UsageCounter.period,
        UsageCounter.questions,
        UsageCounter.tokens,
    )
    return select(*added.cte("counted").columns)


def settle(run_id: UUID, settlement: Settlement) -> Select[int]:
    """Bring the run's entry to its end, once: the second time, and for a run without an entry, nothing is changed."""
    return _settle().params(
        its_run_id=run_id,
        its_state=EntryState.SETTLED if settlement.counts else EntryState.RELEASED,
        its_tokens=settlement.tokens,
        more_questions=0 if settlement.counts else -1,
    )


@cache
def _settle() -> Select[int]:
    """Built once, as ``_standing``."""
    entry = (
        update(UsageEntry)
        .where(
            UsageEntry.run_id == bindparam("its_run_id", type_=Uuid), UsageEntry.state == EntryState.RESERVED
        )
        .values(
            state=bindparam("its_state", type_=Text),
            tokens=bindparam("its_tokens", type_=Integer),
            settled_at=func.clock_timestamp(),
        )
        .returning(*_entry_columns(), (UsageEntry.tokens - UsageEntry.reserved_tokens).label("more_tokens"))
        .cte("entry")
    )
    added = _count(entry, bindparam("more_questions", type_=Integer), entry.c.more_tokens)
    return select(added.returning(UsageCounter.questions).cte("counted").c.questions)


def hold(run_ids: Sequence[UUID], asker: dict[str, Any] | None) -> Select[int]:
    """Lock all counters that the runs' questions are on, and that one by ``asker`` will be on, until the transaction ends.

    ``asker`` has a ``user_id``, an ``api_key_id``, ``organisation_ids`` and ``asked_on``, as an entry. A counter that
    does not exist yet is made, at nothing: else somebody else could make it, and hold it, meanwhile.
    """
    own = {f"its_{name}": value for name, value in (asker or {}).items()}
    return _hold(tuple(asker or ())).params(run_ids=list(run_ids), **own)


@cache
def _hold(names: tuple[str, ...]) -> Select[int]:
    """Built once, as ``_standing``. ``names`` are the asker's columns, if there is one."""
    columns = UsageEntry.__table__.columns
    kept = [columns[name] for name in ("user_id", "api_key_id", "organisation_ids", "asked_on")]
    run_ids: BindParameter[Any] = bindparam("run_ids", expanding=True)
    entries: list[Select[Any]] = [select(*kept).where(UsageEntry.run_id.in_(run_ids))]
    if names:
        entries.append(
            select(*(bindparam(f"its_{one.name}", type_=one.type).label(one.name) for one in kept))
        )
    counters = _counters_of(union_all(*entries).cte("entries"))
    locked = _add(select(*counters.c, literal(0), literal(0)).order_by(*counters.c))
    return select(locked.returning(UsageCounter.questions).cte("held").c.questions)


def usage_of(entries: Select[UsageEntry]) -> Select[str, str, int, int]:
    """``(agent_id, kind, questions, tokens)`` of ``entries``, a selection of ``UsageEntry``; only what counts."""
    return (
        entries.where(COUNTED)
        .with_only_columns(
            UsageEntry.agent_id,
            UsageEntry.kind,
            func.count().label("questions"),
            func.sum(UsageEntry.tokens).label("tokens"),
        )
        .group_by(UsageEntry.agent_id, UsageEntry.kind)
        .order_by(UsageEntry.agent_id)
    )


def _entry_columns() -> tuple[Any, ...]:
    return (
        UsageEntry.user_id,
        UsageEntry.api_key_id,
        UsageEntry.organisation_ids,
        UsageEntry.asked_on,
        UsageEntry.tokens,
    )


def _count(entry: CTE, questions: ColumnElement[int], tokens: ColumnElement[int]) -> Insert:
    """Add to the day's and the month's counter of each holder of the one entry."""
    counters = _counters_of(entry)
    rows = select(*counters.c, questions, tokens).select_from(counters).join(entry, literal(True))
    return _add(rows.order_by(*counters.c))


def _counters_of(entries: CTE) -> CTE:
    """``(kind, id, period, starts_on)`` of each counter that an entry is on."""
    asked_on = entries.c.asked_on
    holders = union(
        select(literal(HolderKind.USER, Text).label("kind"), entries.c.user_id.label("id"), asked_on),
        select(literal(HolderKind.KEY, Text), entries.c.api_key_id, asked_on).where(
            entries.c.api_key_id.is_not(None)
        ),
        select(literal(HolderKind.ORGANISATION, Text), func.unnest(entries.c.organisation_ids), asked_on),
    ).cte("holders")
    periods = union_all(*(select(literal(period, Text).label("period")) for period in Period)).cte("periods")
    first_of_month = cast(func.date_trunc("month", holders.c.asked_on), Date)
    starts_on = case((periods.c.period == Period.DAY, holders.c.asked_on), else_=first_of_month)
    return (
        select(holders.c.kind, holders.c.id, periods.c.period, starts_on.label("starts_on"))
        .join(periods, literal(True))
        .distinct()
        .cte("counters")
    )


def _add(rows: Select[Any]) -> Insert:
    """Add what the rows say to their counters, which are locked in the rows' order.

    It is always the same, so that no two transactions hold what the other waits for.
    """
    columns = ["holder_kind", "holder_id", "period", "starts_on", "questions", "tokens"]
    added = insert(UsageCounter).from_select(columns, rows)
    return added.on_conflict_do_update(
        index_elements=["holder_kind", "holder_id", "period", "starts_on"],
        set_={
            "questions": UsageCounter.questions + added.excluded.questions,
            "tokens": UsageCounter.tokens + added.excluded.tokens,
        },
    )
