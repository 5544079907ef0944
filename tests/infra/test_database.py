"""A session that is left in mid-transaction gives its locks back: its process may be frozen, or its machine gone."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from riverrun.infra import database
from riverrun.infra.database import open_async_engine, open_engine
from riverrun.infra.settings import Settings

LOCK = text("SELECT pg_advisory_xact_lock(1)")


@pytest.fixture
def _short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "IDLE_TRANSACTION_SECONDS", 1)


def take_the_lock(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(LOCK)


@pytest.mark.usefixtures("_short_patience")
def test_a_lock_in_a_forgotten_transaction_of_a_worker_is_freed(database_url: str) -> None:
    frozen, other = open_engine(database_url), open_engine(database_url)
    with frozen.connect() as connection:
        driver = connection.connection.driver_connection
        connection.execute(LOCK)
        take_the_lock(other)
        with pytest.raises(OperationalError):
            connection.execute(LOCK)
    assert driver is not None
    driver.close()  # SQLAlchemy has only forgotten it
    frozen.dispose()
    other.dispose()


@pytest.mark.usefixtures("_short_patience")
async def test_a_forgotten_transaction_of_the_api_is_ended_likewise(database_url: str) -> None:
    engine = open_async_engine(database_url)
    async with engine.connect() as connection:
        assert await connection.scalar(text(f"SHOW {database.IDLE_TRANSACTION}")) == "1s"
    await engine.dispose()


def test_a_frozen_worker_gives_its_locks_back_before_its_lease_runs_out() -> None:
    assert Settings.model_fields["lease_seconds"].default > database.IDLE_TRANSACTION_SECONDS
