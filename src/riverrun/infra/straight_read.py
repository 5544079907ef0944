"""A select that is asked of asyncpg itself, on a connection of the engine's pool: for what nearly every request reads."""

import logging
from collections.abc import Mapping
from typing import Any

import asyncpg
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi, dialect
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.util import greenlet_spawn

DIALECT = dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy names no type for it
TROUBLES = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    AsyncAdapt_asyncpg_dbapi.Error,
    InvalidatePoolError,
    OSError,
)

logger = logging.getLogger(__name__)


class StraightRead:
    """A select, compiled once, that sees what is committed when it is asked.

    For columns whose values asyncpg gives as they are wanted: text, numbers, times, UUIDs and arrays of them; not JSON.
    Lists in its conditions must be the statement's own, of a fixed length.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]]) -> None:
        """Its columns must have names, and its parameters too."""
        self.statement = statement
        compiled = statement.compile(dialect=DIALECT)
        expanded = compiled.construct_expanded_state(compiled.params)
        wanted = {name for name, parameter in compiled.binds.items() if parameter.required}
        self.text = expanded.statement
        self._order = tuple(expanded.positiontup or ())
        self._fixed = {name: value for name, value in expanded.parameters.items() if name not in wanted}

    def in_order(self, values: Mapping[str, Any]) -> list[Any]:
        """``values`` by the statement's names of them, beside those that never change: as ``text`` numbers them.

        Raises:
            KeyError: one is missing.
        """
        return [values[name] if name in values else self._fixed[name] for name in self._order]

    async def first(self, session: AsyncSession, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """The first row's columns by their names; none when there is no row.

        A session that is in a transaction is asked itself: whoever holds a connection must not wait for another one. And
        so it is in trouble, since it knows what an error of a connection means.
        """
        if isinstance(session.bind, AsyncEngine) and not session.in_transaction():
            ordered = self.in_order(values)
            try:
                return await self._ask(session.bind, ordered)
            except TimeoutError:
                raise
            except TROUBLES as trouble:  # of its words none: they may be what users wrote
                logger.warning("a straight read broke, the session is asked: %s", type(trouble).__name__)
        row = (await session.execute(self.statement, values)).first()
        return None if row is None else dict(row._mapping)

    async def _ask(self, engine: AsyncEngine, ordered: list[Any]) -> dict[str, Any] | None:
        record = await greenlet_spawn(_take, engine.pool)
        try:
            row = await record.driver_connection.fetchrow(self.text, *ordered)
        except BaseException:
            # Whoever is cancelled, too: the next one would wait until Postgres has heard of it.
            _give_up(record)
            raise
        record.checkin(_fairy_was_created=False)
        return None if row is None else dict(row)


def _take(pool: Any) -> Any:
    """A connection, as the pool's own record of it: given back by ``checkin`` or given up.

    Without the proxy that ``pool.connect`` puts before it, and with what that does otherwise: a third less to have a connection. The
    proxy also undoes what was begun, where here nothing is, and notices that it was forgotten. SQLAlchemy has no public names for
    this. The pool must have no overflow, whose connections are closed when they are given back.
    """
    record = pool._do_get()
    try:
        pool.dispatch.checkout(record.get_connection(), record, None)
    except BaseException as error:
        if isinstance(error, InvalidatePoolError):  # one that was idle is dead, and so the others are
            pool._invalidate(record, _checkin=False)
        _give_up(record)
        raise
    return record


def _give_up(record: Any) -> None:
    try:
        record.invalidate()
    finally:
        record.checkin(_fairy_was_created=False)
