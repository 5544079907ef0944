"""Sealing a column anew: everything or nothing, row by row under the first key."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, Table, Text, insert, select

from riverrun.infra.encrypted_columns import (
    BATCH_ROWS,
    ENCRYPTED,
    EncryptedColumn,
    encrypted_columns,
    seal_anew,
)
from riverrun.kit.secrets_at_rest import MissingKey, SecretBox, SecretKey, WrongSecret

OLD, NEW = SecretKey.random("old"), SecretKey.random("new")
ROWS = BATCH_ROWS + 7

planted = MetaData()
tokens = Table(
    "planted_tokens",
    planted,
    Column("user_id", Integer, primary_key=True),
    Column("provider", Text, primary_key=True),
    Column("label", Text),
    Column("refresh_token", Text, info=ENCRYPTED),
)


@pytest.fixture
def encrypted(engine: Engine) -> Iterator[EncryptedColumn]:
    """A planted table full of secrets under the old key, and one row without."""
    planted.create_all(engine)
    (column,) = encrypted_columns(planted)
    box = SecretBox([OLD])
    rows = [
        {
            "user_id": number,
            "provider": "oidc",
            "label": "plain",
            "refresh_token": box.seal(f"secret {number}", column.place(number, "oidc")),
        }
        for number in range(ROWS)
    ]
    with engine.begin() as connection:
        connection.execute(insert(tokens), rows)
        connection.execute(insert(tokens).values(user_id=-1, provider="oidc", label="none"))
    yield column
    planted.drop_all(engine)


def secrets_in(engine: Engine, column: EncryptedColumn, box: SecretBox) -> list[str]:
    with engine.begin() as connection:
        rows = connection.execute(
            select(tokens.c.user_id, tokens.c.provider, tokens.c.refresh_token)
            .where(tokens.c.refresh_token.is_not(None))
            .order_by(tokens.c.user_id)
        )
        return [box.open(sealed, column.place(user_id, provider)) for user_id, provider, sealed in rows]


def test_only_marked_columns_are_found(encrypted: EncryptedColumn) -> None:
    assert str(encrypted) == "planted_tokens.refresh_token"


def test_every_secret_is_under_the_new_key_afterwards(engine: Engine, encrypted: EncryptedColumn) -> None:
    with engine.begin() as connection:
        assert seal_anew(connection, encrypted, SecretBox([NEW, OLD])) == ROWS
    assert secrets_in(engine, encrypted, SecretBox([NEW])) == [f"secret {number}" for number in range(ROWS)]
    with engine.begin() as connection:
        assert seal_anew(connection, encrypted, SecretBox([NEW])) == 0


def test_without_the_old_key_nothing_changes(engine: Engine, encrypted: EncryptedColumn) -> None:
    with pytest.raises(MissingKey, match="old"), engine.begin() as connection:
        seal_anew(connection, encrypted, SecretBox([NEW]))
    assert len(secrets_in(engine, encrypted, SecretBox([OLD]))) == ROWS


def test_a_secret_in_another_row_stops_it(engine: Engine, encrypted: EncryptedColumn) -> None:
    with engine.begin() as connection:
        stolen = select(tokens.c.refresh_token).where(tokens.c.user_id == 1).scalar_subquery()
        connection.execute(tokens.update().where(tokens.c.user_id == ROWS - 1).values(refresh_token=stolen))
    with pytest.raises(WrongSecret, match=f"{ROWS - 1},oidc"), engine.begin() as connection:
        seal_anew(connection, encrypted, SecretBox([NEW, OLD]))
    with pytest.raises(MissingKey):
        secrets_in(engine, encrypted, SecretBox([NEW]))
