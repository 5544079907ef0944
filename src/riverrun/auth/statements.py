"""Access tokens as SQL."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Insert, Select, Update, func, insert, or_, select, update

from riverrun.auth.models import AccessToken, TokenKind
from riverrun.auth.tokens import token_hash
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


def _is_valid(token: str, kind: TokenKind) -> tuple[Any, ...]:
    return (
        AccessToken.token_hash == token_hash(token),
        AccessToken.kind == kind,
        AccessToken.revoked_at.is_(None),
        or_(AccessToken.expires_at.is_(None), AccessToken.expires_at > func.now()),
    )


def user_of_token(token: str, kind: TokenKind) -> Select[User, UUID]:
    """The user for whom a token of this kind is valid now, and the token's id."""
    return (
        select(User, AccessToken.id)
        .join(AccessToken, AccessToken.user_id == User.id)
        .where(*_is_valid(token, kind), User.disabled_at.is_(None))
    )


def spend_one_time_token(token: str) -> Update:
    """Use the token up; returns its user, or no row when it was used, has expired or never was."""
    return (
        update(AccessToken)
        .where(*_is_valid(token, TokenKind.ONE_TIME))
        .values(revoked_at=func.now(), last_used_at=func.now())
        .returning(AccessToken.user_id)
    )


def revoke_token(token: str) -> Update:
    """Close this door."""
    return (
        update(AccessToken).where(AccessToken.token_hash == token_hash(token)).values(revoked_at=func.now())
    )


def note_login(user_id: UUID) -> Update:
    """Remember when the user was last let in."""
    return update(User).where(User.id == user_id).values(last_login_at=func.now())
