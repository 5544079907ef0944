"""The names of SQLAlchemy's asyncio extension over a sync engine: the services above do not notice."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, Self

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bench.arms.ways import Way
from riverrun.infra.straight_read import StraightRead


class AdaptedEngine:
    """An engine whose every round trip goes the arm's way."""

    def __init__(self, engine: Engine, way: Way) -> None:
        self.sync = engine
        self.way = way

    def execution_options(self, **options: Any) -> "AdaptedEngine":
        """The same pool, another isolation."""
        return AdaptedEngine(self.sync.execution_options(**options), self.way)

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator["Adapted"]:
        """A connection in a transaction."""
        connection = await self.way(self.sync.connect)
        try:
            yield Adapted(connection, self.way)
            await self.way(connection.commit)
        finally:
            await self.way(connection.close)

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncIterator["Adapted"]:
        """A connection."""
        connection = await self.way(self.sync.connect)
        try:
            yield Adapted(connection, self.way)
        finally:
            await self.way(connection.close)

    async def dispose(self) -> None:
        """Close the pool."""
        await self.way(self.sync.dispose)


class Adapted:
    """A sync connection or session: what makes a round trip is awaited, what does not stays as it is."""

    AT_ONCE = frozenset(
        {"in_transaction", "add", "add_all", "info", "expire", "expunge", "new", "dirty", "deleted"}
    )

    def __init__(self, inner: Any, way: Way) -> None:
        self._inner = inner
        self._way = way

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._inner, name)
        if name in self.AT_ONCE or not callable(attribute):
            return attribute

        async def perform(*args: Any, **kwargs: Any) -> Any:
            return await self._way(attribute, *args, **kwargs)

        return perform

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._way(self._inner.close)


def adapted_session(engine: AdaptedEngine, **options: Any) -> Adapted:
    """In place of ``AsyncSession(engine, ...)``."""
    return Adapted(Session(engine.sync, **options), engine.way)


async def adapted_first(
    read: StraightRead, session: Adapted, values: Mapping[str, Any]
) -> dict[str, Any] | None:
    """In place of ``StraightRead.first``."""
    row = (await session.execute(read.statement, values)).first()
    return None if row is None else dict(row._mapping)
