"""Connections that were lost: frozen in mid-transaction, or dead while nobody used them."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

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
def test_a_lock_in_a_forgotten_transaction_of_a_worker_is_freed_and_its_connection_counts_as_lost(
    database_url: str,
) -> None:
    frozen, other = open_engine(database_url), open_engine(database_url)
    with frozen.connect() as connection:
        connection.execute(LOCK)
        take_the_lock(other)
        with pytest.raises(DBAPIError) as failure:
            connection.execute(LOCK)
    assert failure.value.connection_invalidated
    take_the_lock(frozen)
    frozen.dispose()
    other.dispose()


@pytest.mark.usefixtures("_short_patience")
async def test_the_same_holds_for_the_api(database_url: str) -> None:
    frozen, other = open_async_engine(database_url), open_engine(database_url)
    async with frozen.connect() as connection:
        await connection.execute(LOCK)
        take_the_lock(other)
        with pytest.raises(DBAPIError) as failure:
            await connection.execute(LOCK)
    assert failure.value.connection_invalidated
    await frozen.dispose()
    other.dispose()


def test_a_frozen_worker_gives_its_locks_back_before_its_lease_runs_out() -> None:
    assert Settings.model_fields["lease_seconds"].default > database.IDLE_TRANSACTION_SECONDS


PID = text("SELECT pg_backend_pid()")
END = text("SELECT pg_terminate_backend(:pid, 5000)")


def test_a_worker_notices_after_a_pause_that_its_connection_died(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, other = open_engine(database_url), open_engine(database_url)
    with engine.connect() as connection:
        pid = connection.scalar(PID)
    with other.connect() as connection:
        connection.execute(END, {"pid": pid})
    monkeypatch.setattr(database, "PING_AFTER_SECONDS", 0)
    with engine.connect() as connection:
        assert connection.scalar(PID) != pid
    engine.dispose()
    other.dispose()


async def test_the_api_notices_it_too_and_then_trusts_none_of_its_connections(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, other = open_async_engine(database_url), open_engine(database_url)
    async with engine.connect() as first, engine.connect() as second:
        pids = [await first.scalar(PID), await second.scalar(PID)]
    with other.connect() as connection:
        for pid in pids:
            connection.execute(END, {"pid": pid})
    monkeypatch.setattr(database, "PING_AFTER_SECONDS", 0)
    async with engine.connect() as connection:
        assert await connection.scalar(PID) not in pids
    monkeypatch.setattr(database, "PING_AFTER_SECONDS", 60)
    async with engine.connect() as first, engine.connect() as second:
        assert {await first.scalar(PID), await second.scalar(PID)}.isdisjoint(pids)
    await engine.dispose()
    other.dispose()


async def test_the_api_takes_the_connection_that_was_used_last(database_url: str) -> None:
    """Its statements are prepared there; the others rest until so many are wanted again."""
    engine = open_async_engine(database_url)
    async with engine.connect() as first:
        async with engine.connect() as second:
            resting = await second.scalar(PID)
        used = await first.scalar(PID)
    seen = set()
    for _ in range(4):
        async with engine.connect() as connection:
            seen.add(await connection.scalar(PID))
    await engine.dispose()
    assert seen == {used}
    assert resting != used
