"""Limits, totals and plans as SQL: what administrators lay down and look at, and what the billing system said."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Delete, Insert, Select, and_, delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from riverrun.auth.api_keys import ApiKey
from riverrun.kit.clock import now
from riverrun.kit.email_address import normal_email
from riverrun.usage.models import HolderKind, Subscription, UsageEntry, UsageLimit
from riverrun.usage.statements import COUNTED
from riverrun.users.models import User
from riverrun.users.organisations import Organisation


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
        return select(User.id).where(User.email == normal_email(name), literal(kind == HolderKind.USER))
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
