"""A straight read says what a session's would, holds no connection that somebody waits for, and outlives its connection."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import Engine, Text, Uuid, bindparam, func, literal, select, text, true
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.support.waiting import wait_until_async

from riverrun.infra import database
from riverrun.infra.database import open_async_engine
from riverrun.infra.straight_read import StraightRead

GIVEN = bindparam("given", type_=Uuid())
ECHO = StraightRead(
    select(GIVEN.label("given"), literal("fixed", Text()).label("fixed")).where(
        literal("b", Text()).in_(["a", "b"]), GIVEN.is_not(None)
    )
)
PID = StraightRead(select(func.pg_backend_pid().label("pid")).where(true()))
SLOW = StraightRead(select(func.pg_sleep(30).label("slept")))
SOMETHING = {"given": uuid.UUID(int=7)}


@pytest.fixture
async def session(async_engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    async with AsyncSession(async_engine) as session:
        yield session


async def test_a_value_that_was_forgotten_is_an_error_and_not_null(session: AsyncSession) -> None:
    with pytest.raises(KeyError, match="given"):
        await ECHO.first(session, {})


def taken(engine: AsyncEngine) -> int:
    pool: Any = engine.pool
    return int(pool.checkedout())


async def test_it_says_what_a_session_says(session: AsyncSession) -> None:
    straight = await ECHO.first(session, SOMETHING)
    assert not session.in_transaction()
    await session.execute(text("SELECT 1"))
    assert straight == await ECHO.first(session, SOMETHING) == {**SOMETHING, "fixed": "fixed"}


@pytest.mark.parametrize("in_transaction", [False, True])
async def test_no_row_is_none(session: AsyncSession, in_transaction: bool) -> None:
    if in_transaction:
        await session.execute(text("SELECT 1"))
    assert await ECHO.first(session, {"given": None}) is None


async def test_a_session_that_has_a_connection_takes_no_other(database_url: str) -> None:
    """As many as there are connections, each in a transaction, would else wait for each other for good."""
    engine = open_async_engine(database_url, pool_size=2)
    async with AsyncSession(engine) as one, AsyncSession(engine) as other:
        pids = [await session.scalar(text("SELECT pg_backend_pid()")) for session in (one, other)]
        found = [await asyncio.wait_for(PID.first(session, {}), 5) for session in (one, other)]
        assert found == [{"pid": pid} for pid in pids]
    await engine.dispose()


async def test_it_sees_what_the_session_has_not_committed(session: AsyncSession) -> None:
    await session.execute(text("CREATE TEMPORARY TABLE seen ON COMMIT DROP AS SELECT 5 AS number"))
    read = StraightRead(select(text("number AS number")).select_from(text("seen")))
    assert await read.first(session, {}) == {"number": 5}


async def test_a_connection_that_died_is_replaced(
    session: AsyncSession, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    first = await PID.first(session, {})
    assert first is not None
    with engine.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), first)
    second = await PID.first(session, {})
    assert second is not None
    assert second != first
    assert "a straight read broke" in caplog.text


async def test_who_goes_in_the_middle_leaves_a_connection_that_works(
    session: AsyncSession, async_engine: AsyncEngine
) -> None:
    waiting = asyncio.create_task(SLOW.first(session, {}))
    await wait_until_async(lambda: taken(async_engine))
    await asyncio.sleep(0.05)  # by now it waits for Postgres
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert taken(async_engine) == 0
    assert await asyncio.wait_for(ECHO.first(session, SOMETHING), 5) is not None


async def test_of_idle_connections_that_died_together_only_one_is_met(
    database_url: str, engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As after a restart of Postgres: the first reader asks by the session, the next meets a new connection."""
    pool = open_async_engine(database_url)
    async with AsyncSession(pool) as one, AsyncSession(pool) as other:
        dead = [(await PID.first(session, {}) or {})["pid"] for session in (one, other)]
        dead += [await session.scalar(PID.statement) for session in (one, other)]
    with engine.begin() as connection:
        for pid in set(dead):
            connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    monkeypatch.setattr(database, "PING_AFTER_SECONDS", -1.0)
    async with AsyncSession(pool) as reader:
        assert await PID.first(reader, {}) not in [{"pid": pid} for pid in dead]
        await reader.commit()
        assert await PID.first(reader, {}) not in [{"pid": pid} for pid in dead]
        assert not reader.in_transaction()
    assert [record.message for record in caplog.records if "straight read" in record.message] == [
        "a straight read broke, the session is asked: InvalidatePoolError"
    ]
    assert taken(pool) == 0
    await pool.dispose()
