"""Accounts beside the administrator's."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Engine, insert

from riverrun.auth.sign_in import issue_bearer_token
from riverrun.infra.database import open_engine
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.users.models import User


def bearer_token_of_a_stranger(database_url: str) -> str:
    """Make an account that owns nothing; its token."""
    user_id = new_uuid()
    engine = open_engine(database_url)
    try:
        with engine.begin() as connection:
            connection.execute(
                insert(User).values(
                    id=user_id,
                    email=f"{user_id}@example.org",
                    display_name="A stranger",
                    is_administrator=False,
                )
            )
        return issue_bearer_token(engine, user_id, "test")
    finally:
        engine.dispose()


@dataclass(frozen=True, slots=True)
class Person:
    """An account with a token of its own."""

    user_id: UUID
    email: str
    token: str


def make_person(engine: Engine, email: str, *, is_verified: bool = True) -> Person:
    """An account whose address is known to be theirs, unless told otherwise."""
    user_id, since = new_uuid(), now()
    values = {
        "id": user_id,
        "email": email,
        "email_verified_at": since if is_verified else None,
        "display_name": email,
        "is_administrator": False,
        "created_at": since,
    }
    with engine.begin() as connection:
        connection.execute(insert(User).values(values))
    return Person(user_id, email, issue_bearer_token(engine, user_id, "test"))
