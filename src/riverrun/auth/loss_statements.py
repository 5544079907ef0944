"""What open streams have to be told: which rights were lost lately, and which are still there."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    column,
    func,
    null,
    or_,
    select,
    union_all,
)

from riverrun.auth.api_keys import ApiKey
from riverrun.auth.grants import Grant
from riverrun.auth.models import AccessToken
from riverrun.auth.principal import NOBODY, Principal, Who
from riverrun.auth.revocations import Revocation
from riverrun.runs.models import Run
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
    present = func.now()
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


_ASKED = (
    func.unnest(
        *[
            bindparam(name, type_=ARRAY(kind))
            for name, kind in (
                ("numbers", Integer()),
                ("user_ids", Uuid()),
                ("emails", Text()),
                ("links", Text()),
                ("token_ids", Uuid()),
                ("run_ids", Uuid()),
            )
        ]
    )
    .table_valued(
        column("number", Integer),
        column("user_id", Uuid),
        column("email", Text),
        column("links", Text),
        column("token_id", Uuid),
        column("run_id", Uuid),
    )
    .render_derived("asked")
)
_WHO = Who(_ASKED.c.user_id, _ASKED.c.email, func.string_to_array(_ASKED.c.links, "."))


def still_readable(readable: Callable[[Who], Select[UUID, bool]]) -> Select[Any]:
    """``(run id, hides sources, number)`` of what is readable still, out of ``values_of`` all that is asked about."""
    return readable(_WHO).add_columns(_ASKED.c.number).where(Run.id == _ASKED.c.run_id, _is_admitted())


def values_of(asked: Iterable[tuple[int, Principal, UUID]]) -> dict[str, list[Any]]:
    """Values for ``still_readable``: whether the principals may read the runs; the numbers are the caller's own."""
    rows = list(asked)
    return {
        "numbers": [number for number, _, _ in rows],
        "user_ids": [principal.user_id for _, principal, _ in rows],
        "emails": [principal.verified_email for _, principal, _ in rows],
        "links": [".".join(principal.links) for _, principal, _ in rows],
        "token_ids": [principal.token_id for _, principal, _ in rows],
        "run_ids": [run_id for _, _, run_id in rows],
    }


def _is_admitted() -> ColumnElement[bool]:
    """Whether they would be let in now as they were: by the same token, with the same verified address.

    Values, not EXISTS: Postgres would read a whole table of tokens at once for some readers.
    """
    known = select(User.id).where(
        User.id == _WHO.user_id,
        User.disabled_at.is_(None),
        or_(
            _WHO.verified_email.is_(None),
            and_(User.email == _WHO.verified_email, User.email_verified_at.is_not(None)),
        ),
    )
    token = select(AccessToken.id).where(
        AccessToken.id == _ASKED.c.token_id,
        AccessToken.revoked_at.is_(None),
        or_(AccessToken.expires_at.is_(None), AccessToken.expires_at > func.now()),
    )
    key = select(ApiKey.id).where(ApiKey.id == _ASKED.c.token_id, ApiKey.revoked_at.is_(None))
    door = func.coalesce(token.scalar_subquery(), key.scalar_subquery())
    is_let_in = and_(known.scalar_subquery().is_not(None), door.is_not(None))
    return or_(_WHO.user_id == NOBODY, is_let_in)
