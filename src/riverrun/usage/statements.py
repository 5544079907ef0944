"""Usage as SQL, for the API and for workers alike. Every counter is changed in the transaction of its entry."""

from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    Date,
    Delete,
    Insert,
    Integer,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    delete,
    func,
    literal,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from riverrun.auth.api_keys import ApiKey
from riverrun.kit.clock import now
from riverrun.usage.models import EntryState, HolderKind, Subscription, UsageCounter, UsageEntry, UsageLimit
from riverrun.usage.periods import Period
from riverrun.usage.settlement import Settlement
from riverrun.users.models import User
from riverrun.users.organisations import Organisation, OrganisationMember

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


def settle(run_id: UUID, settlement: Settlement) -> Insert:
    """Bring the run's entry to its end, once: the second time, and for a run without an entry, nothing is changed."""
    entry = (
        update(UsageEntry)
        .where(UsageEntry.run_id == run_id, UsageEntry.state == EntryState.RESERVED)
        .values(
            state=EntryState.SETTLED if settlement.counts else EntryState.RELEASED,
            tokens=settlement.tokens,
            settled_at=func.clock_timestamp(),
        )
        .returning(*_entry_columns(), (UsageEntry.tokens - UsageEntry.reserved_tokens).label("more_tokens"))
        .cte("entry")
    )
    return _count(entry, literal(0 if settlement.counts else -1, Integer), entry.c.more_tokens)


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


def totals_by_user(first_day: date, last_day: date, start: int, limit: int) -> Select[UUID, str, int, int]:
    """``(user_id, email, questions, tokens)`` of those who asked in these days, the most questions first."""
    questions = func.count().label("questions")
    return (
        select(User.id.label("user_id"), User.email, questions, func.sum(UsageEntry.tokens).label("tokens"))
        .join(UsageEntry, UsageEntry.user_id == User.id)
        .where(COUNTED, UsageEntry.asked_on.between(first_day, last_day))
        .group_by(User.id)
        .order_by(questions.desc(), User.email)
        .offset(start)
        .limit(limit)
    )


def limits_with_names(start: int, limit: int) -> Select[UsageLimit, str]:
    """Every limit that was laid down, with the holder's name: an e-mail address, or what a key or team is called."""
    name = func.coalesce(User.email, ApiKey.name, Organisation.name, "").label("name")
    return (
        select(UsageLimit, name)
        .outerjoin(User, _is_of(HolderKind.USER, User.id))
        .outerjoin(ApiKey, _is_of(HolderKind.KEY, ApiKey.id))
        .outerjoin(Organisation, _is_of(HolderKind.ORGANISATION, Organisation.id))
        .order_by(UsageLimit.holder_kind, name, UsageLimit.holder_id)
        .offset(start)
        .limit(limit)
    )


def _is_of(kind: HolderKind, id_column: Any) -> ColumnElement[bool]:
    return and_(UsageLimit.holder_kind == kind, UsageLimit.holder_id == id_column)


def holder_id_of(kind: HolderKind, name: UUID | str) -> Select[UUID]:
    """The holder, by its id or, if it is a user, by its e-mail address."""
    if not isinstance(name, UUID):
        return select(User.id).where(User.email == name.strip().lower(), literal(kind == HolderKind.USER))
    match kind:
        case HolderKind.USER:
            return select(User.id).where(User.id == name)
        case HolderKind.KEY:
            return select(ApiKey.id).where(ApiKey.id == name)
        case HolderKind.ORGANISATION:
            return select(Organisation.id).where(Organisation.id == name)


def put_limit(kind: HolderKind, holder_id: UUID, values: dict[str, Any]) -> Insert:
    """Lay down a holder's limit; it replaces the earlier one whole."""
    changed = values | {"changed_at": now()}
    return (
        insert(UsageLimit)
        .values(holder_kind=kind, holder_id=holder_id, **changed)
        .on_conflict_do_update(index_elements=["holder_kind", "holder_id"], set_=changed)
    )


def remove_limit(kind: HolderKind, holder_id: UUID) -> Delete:
    """Let the holder have what the default plan gives."""
    return delete(UsageLimit).where(UsageLimit.holder_kind == kind, UsageLimit.holder_id == holder_id)


def note_subscription(user_id: UUID, plan: str) -> Insert:
    """Remember a user's plan as the billing system has just named it."""
    values = {"plan": plan, "learnt_at": now()}
    return (
        insert(Subscription)
        .values(user_id=user_id, **values)
        .on_conflict_do_update(index_elements=["user_id"], set_=values)
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
    """Add to the day's and the month's counter of each holder of the entry.

    Always in the same order, so that no two transactions hold what the other waits for.
    """
    holders = union_all(
        select(literal(HolderKind.USER, Text).label("kind"), entry.c.user_id.label("id")),
        select(literal(HolderKind.KEY, Text), entry.c.api_key_id).where(entry.c.api_key_id.is_not(None)),
        select(literal(HolderKind.ORGANISATION, Text), func.unnest(entry.c.organisation_ids)),
    ).cte("holders")
    periods = union_all(*(select(literal(period, Text).label("period")) for period in Period)).cte("periods")
    is_day = periods.c.period == Period.DAY
    first_day = case((is_day, entry.c.asked_on), else_=cast(func.date_trunc("month", entry.c.asked_on), Date))
    rows = (
        select(holders.c.kind, holders.c.id, periods.c.period, first_day, questions, tokens)
        .select_from(entry)
        .join(holders, literal(True))
        .join(periods, literal(True))
        .order_by(holders.c.kind, holders.c.id, periods.c.period)
    )
    columns = ["holder_kind", "holder_id", "period", "starts_on", "questions", "tokens"]
    added = insert(UsageCounter).from_select(columns, rows)
    return added.on_conflict_do_update(
        index_elements=["holder_kind", "holder_id", "period", "starts_on"],
        set_={
            "questions": UsageCounter.questions + added.excluded.questions,
            "tokens": UsageCounter.tokens + added.excluded.tokens,
        },
    )
