"""Letting the operator in from the command line, on the server's own machine. Synchronous, for the CLI."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.dialects.postgresql import insert

from riverrun.auth import statements
from riverrun.auth.models import TokenKind
from riverrun.auth.tokens import new_token
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.users.models import User

ADMINISTRATOR_EMAIL = "admin@localhost"
ONE_TIME_LIFETIME = timedelta(hours=12)


class AdministratorDisabled(Exception):
    """The first account is disabled, so that no link and no token lets it in; the message says what to do."""

    def __init__(self) -> None:
        super().__init__(
            f"{ADMINISTRATOR_EMAIL} is disabled: sign in with another account, or open it with "
            f"riverrun users enable {ADMINISTRATOR_EMAIL}"
        )


def ensure_administrator(engine: Engine) -> UUID:
    """The first account, made when there is none.

    Raises:
        AdministratorDisabled: there is one, and it was disabled.
    """
    values = {
        "id": new_uuid(),
        "email": ADMINISTRATOR_EMAIL,
        "email_verified_at": now(),
        "display_name": "Administrator",
        "is_administrator": True,
    }
    with engine.begin() as connection:
        connection.execute(insert(User).values(values).on_conflict_do_nothing(index_elements=[User.email]))
        user = connection.execute(
            select(User.id, User.disabled_at).where(User.email == ADMINISTRATOR_EMAIL)
        ).one()
    if user.disabled_at is not None:
        raise AdministratorDisabled
    user_id: UUID = user.id
    return user_id


def issue_one_time_token(engine: Engine, user_id: UUID) -> str:
    """A token for one sign-in by link, valid for twelve hours."""
    return _issue(engine, user_id, TokenKind.ONE_TIME, "sign-in link", ONE_TIME_LIFETIME)


def issue_bearer_token(engine: Engine, user_id: UUID, name: str) -> str:
    """A token for programs, valid until it is revoked. Shown once: only its hash is kept."""
    return _issue(engine, user_id, TokenKind.BEARER, name, None)


def _issue(engine: Engine, user_id: UUID, kind: TokenKind, name: str, lifetime: timedelta | None) -> str:
    token = new_token()
    with engine.begin() as connection:
        connection.execute(statements.insert_token(user_id, kind, token, lifetime=lifetime, name=name))
    return token
