"""Access tokens as SQL."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Delete,
    Insert,
    Select,
    Update,
    Uuid,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

from riverrun.auth.models import AccessToken, TokenKind
from riverrun.auth.tokens import token_hash
from riverrun.infra.straight_read import StraightRead
from riverrun.kit.email_address import normal_email
from riverrun.kit.ids import new_uuid
from riverrun.users.models import User


def insert_token(
    user_id: UUID, kind: TokenKind, token: str, *, lifetime: timedelta | None, name: str = ""
) -> Insert:
    """Store a token's hash."""
    return insert(AccessToken).values(
        id=new_uuid(),
        user_id=user_id,
        kind=kind,
        token_hash=token_hash(token),
        name=name,
        created_at=func.now(),
        expires_at=func.now() + lifetime if lifetime else None,
    )


_IS_OPEN = (
    AccessToken.revoked_at.is_(None),
    or_(AccessToken.expires_at.is_(None), AccessToken.expires_at > func.now()),
)


def _is_valid(token: str, kind: TokenKind) -> tuple[Any, ...]:
    return (
        AccessToken.token_hash == token_hash(token),
        AccessToken.kind == kind,
        *_IS_OPEN,
    )


USER_OF_TOKEN = StraightRead(
    select(
        User.id.label("user_id"),
        User.email,
        User.display_name,
        User.is_administrator,
        case((User.email_verified_at.is_not(None), User.email)).label("verified_email"),
        AccessToken.id.label("token_id"),
        AccessToken.last_used_at,
    )
    .join(AccessToken, AccessToken.user_id == User.id)
    .where(
        AccessToken.token_hash == bindparam("given_hash"),
        AccessToken.kind == bindparam("given_kind"),
        *_IS_OPEN,
        User.disabled_at.is_(None),
    )
)
"""A ``Principal``'s fields of the user for whom ``given_token`` is valid now, and the token's last use."""


def is_still_open(token_id: UUID | None) -> Select[UUID]:
    """The token's id, as long as it opens something. Of a guest there is none."""
    return select(AccessToken.id).where(AccessToken.id == token_id, *_IS_OPEN)


def hold_owner(token: str) -> Select[UUID]:
    """Keep the row of the account that the token is for, as ``user_statements.hold`` does."""
    owner = select(User.id).join(AccessToken, AccessToken.user_id == User.id)
    return owner.where(AccessToken.token_hash == token_hash(token)).with_for_update(key_share=True, of=User)


NOTE_USE = (
    update(AccessToken.__table__)  # type: ignore[arg-type]  # declared as the wider FromClause
    .where(
        AccessToken.id.in_(
            select(AccessToken.id)
            .where(AccessToken.id == bindparam("used_id", type_=Uuid()))
            .with_for_update(skip_locked=True)
        )
    )
    .values(last_used_at=func.now())
)
"""Remember that the token ``used_id`` opens something now. Skips a row that somebody else is at."""


def given_token(token: str, kind: TokenKind) -> dict[str, Any]:
    """The values of ``USER_OF_TOKEN``."""
    return {"given_hash": token_hash(token), "given_kind": kind}


def insert_token_of_address(
    email: str, kind: TokenKind, token: str, lifetime: timedelta
) -> ReturningInsert[UUID]:
    """Store a token's hash for the user with this address; returns their id, or no row when nobody has it."""
    columns: dict[str, Any] = {
        "id": literal(new_uuid()),
        "user_id": User.id,
        "kind": literal(str(kind)),
        "token_hash": literal(token_hash(token)),
        "name": literal("link"),
        "created_at": func.now(),
        "expires_at": func.now() + lifetime,
    }
    owner = select(*columns.values()).where(User.email == normal_email(email), User.disabled_at.is_(None))
    return insert(AccessToken).from_select(list(columns), owner).returning(AccessToken.user_id)


def spend_token(token: str, kind: TokenKind) -> ReturningUpdate[UUID]:
    """Use the token up; returns its user, or no row when it was used, has expired or never was."""
    enabled = select(User.id).where(User.disabled_at.is_(None))
    return (
        update(AccessToken)
        .where(*_is_valid(token, kind), AccessToken.user_id.in_(enabled))
        .values(revoked_at=func.now(), last_used_at=func.now())
        .returning(AccessToken.user_id)
    )


def revoke_token(token: str) -> ReturningUpdate[UUID, UUID]:
    """Close this door; returns its id and its user's, or no row when it was closed already or never was."""
    return (
        update(AccessToken)
        .where(AccessToken.token_hash == token_hash(token), AccessToken.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(AccessToken.id, AccessToken.user_id)
    )


def revoke_tokens_of(user_id: UUID, kinds: Iterable[TokenKind], *, but: UUID | None = None) -> Update:
    """Close all the user's doors of these kinds, but one."""
    doors = update(AccessToken).where(
        AccessToken.user_id == user_id, AccessToken.kind.in_(list(kinds)), AccessToken.revoked_at.is_(None)
    )
    return (doors if but is None else doors.where(AccessToken.id != but)).values(revoked_at=func.now())


def forget_tokens_of(user_id: UUID, long_past: timedelta) -> Delete:
    """Drop the user's tokens that nobody could have used for so long."""
    return delete(AccessToken).where(
        AccessToken.user_id == user_id, AccessToken.expires_at < func.now() - long_past
    )


def tokens_of(user_id: UUID, kinds: Iterable[TokenKind]) -> Select[AccessToken]:
    """The user's tokens of these kinds that are valid now, the newest first."""
    return (
        select(AccessToken)
        .where(AccessToken.user_id == user_id, AccessToken.kind.in_(list(kinds)), *_IS_OPEN)
        .order_by(AccessToken.created_at.desc(), AccessToken.id.desc())
    )
