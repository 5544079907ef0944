"""Accounts beside the administrator's."""

from sqlalchemy import insert

from riverrun.auth.sign_in import issue_bearer_token
from riverrun.infra.database import open_engine
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
