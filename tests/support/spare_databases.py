"""Databases for tests: copies of a template, one always made in advance, so that no test waits for its copying."""

from contextlib import suppress
from itertools import count
from types import TracebackType
from typing import Self

import psycopg
from psycopg.errors import InsufficientPrivilege, error_from_result
from psycopg.pq import ExecStatus
from sqlalchemy import make_url


class SpareDatabases:
    """While a test uses one copy, Postgres makes the next and drops the last; nothing of it happens in our process."""

    def __init__(self, server_url: str, template: str) -> None:
        self._server_url = server_url
        self._template = template
        self._names = (f"spare_{number}" for number in count(1))
        self._maker = Errands(server_url)
        self._remover = Errands(server_url)
        self._next = self._begin_next()

    def take(self) -> str:
        """The URL of a database that nobody has used."""
        self._maker.finish()
        url = database_named(self._server_url, self._next)
        self._next = self._begin_next()
        return url

    def drop(self, url: str) -> None:
        """Have it dropped, whoever is still connected; but while autovacuum is, whom we may not end, it stays."""
        with suppress(InsufficientPrivilege):
            self._remover.finish()
        self._remover.begin(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")

    def _begin_next(self) -> str:
        name = next(self._names)
        self._maker.begin(f"CREATE DATABASE {name} TEMPLATE {self._template} STRATEGY file_copy")
        return name

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._maker.close()
        with suppress(InsufficientPrivilege):
            self._remover.close()


class Errands:
    """A connection that runs one statement at a time behind our back."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)

    def begin(self, statement: str) -> None:
        """Start a statement when the last one is over. Raises what that one raised."""
        self.finish()
        self._connection.pgconn.send_query(statement.encode())

    def finish(self) -> None:
        """Wait for the statement under way. Raises the ``psycopg.DatabaseError`` of its failure."""
        while (result := self._connection.pgconn.get_result()) is not None:
            if result.status == ExecStatus.FATAL_ERROR:
                raise error_from_result(result)

    def close(self) -> None:
        try:
            self.finish()
        finally:
            self._connection.close()


def database_named(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)
