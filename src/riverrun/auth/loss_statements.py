"""What open streams have to be told: which rights were lost lately, and which are still there."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    DateTime,
    Select,
    Uuid,
    and_,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
)

from riverrun.auth.api_keys import ApiKey
from riverrun.auth.grants import Grant
from riverrun.auth.models import AccessToken
from riverrun.auth.principal import Principal
from riverrun.auth.revocations import Revocation
from riverrun.users.models import User

NONE = cast(null(), Uuid)


class Loss(NamedTuple):
    """A right that is gone since ``at``; one of the ids says whose streams are to be looked at."""

    at: datetime
    token_id: UUID | None
    user_id: UUID | None
    subject_id: UUID | None


def losses_within(window: timedelta) -> CompoundSelect[Any]:
    """Rows of ``Loss``: what was revoked, and which tokens, links and shares have run out, in the last ``window``."""
    present = cast(func.clock_timestamp(), DateTime(timezone=True))
    revoked = select(
        Revocation.revoked_at, Revocation.token_id, Revocation.user_id, Revocation.subject_id
    ).where(Revocation.revoked_at > present - window)
    tokens = select(AccessToken.expires_at, AccessToken.id, NONE, NONE).where(
        AccessToken.expires_at.between(present - window, present)
    )
    grants = select(Grant.expires_at, NONE, NONE, Grant.subject_id).where(
        Grant.expires_at.between(present - window, present)
    )
    return union_all(revoked, tokens, grants)


def still_readable(asked: Sequence[tuple[Principal, Select[UUID, bool]]]) -> CompoundSelect[Any]:
    """Rows ``(number, run id, hides sources)`` for each principal's statement, if their door is still open."""
    parts = []
    for number, (principal, readable) in enumerate(asked):
        found = readable.where(_is_admitted(principal)).subquery()
        parts.append(select(literal(number), *found.c))
    return union_all(*parts)


def _is_admitted(principal: Principal) -> ColumnElement[bool]:
    """Whether the principal would be let in now as they were: by the same token, with the same verified address."""
    if principal.is_guest:
        return true()
    is_known = and_(User.id == principal.user_id, User.disabled_at.is_(None))
    if principal.verified_email is not None:
        is_known &= and_(User.email == principal.verified_email, User.email_verified_at.is_not(None))
    token = exists().where(
        AccessToken.id == principal.token_id,
        AccessToken.revoked_at.is_(None),
        or_(AccessToken.expires_at.is_(None), AccessToken.expires_at > func.now()),
    )
    key = exists().where(ApiKey.id == principal.token_id, ApiKey.revoked_at.is_(None))
    return and_(exists().where(is_known), or_(token, key))
