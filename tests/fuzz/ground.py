"""What is fuzzed: the whole application on a socket, with people and rows that are made anew as requests use them up."""

import contextlib
from collections.abc import Callable, Iterator

from anyio.from_thread import start_blocking_portal
from fastapi import FastAPI
from psycopg.errors import DeadlockDetected
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError
from tests.authz.principals import People, make_people
from tests.authz.rows import Rows, plant, uproot
from tests.support.live_api import serving

from riverrun.infra.settings import Settings
from riverrun.main import create_app
from riverrun.migrations.tables import Base

MOST_DEADLOCKS = 5


class Ground:
    """The application's address, who there is, and what is there of the owner's."""

    def __init__(self, base_url: str, app: FastAPI, engine: Engine) -> None:
        self.base_url = base_url
        self.document = app.openapi()
        self.people: People
        self.rows: Rows
        self._engine = engine
        self.renew()

    def renew(self) -> None:
        """Nobody and nothing is left of before: no list is too long for the answers to be looked through."""
        undisturbed(self._empty)
        self.people = make_people(self._engine)
        self.rows = plant(self._engine, self.people)

    def replant(self) -> None:
        """The owner's rows anew: some may have been changed or deleted."""
        undisturbed(lambda: uproot(self._engine, self.people, self.rows))
        self.rows = plant(self._engine, self.people)

    def _empty(self) -> None:
        tables = ", ".join(table.name for table in Base.metadata.sorted_tables)
        with self._engine.begin() as connection:
            connection.execute(text(f"TRUNCATE {tables} CASCADE"))


def undisturbed(work: Callable[[], None]) -> None:
    """Do it, again where Postgres has undone it: the application looks through its tables meanwhile, in another order."""
    for _ in range(MOST_DEADLOCKS):
        try:
            work()
        except OperationalError as error:
            if not isinstance(error.orig, DeadlockDetected):
                raise
        else:
            return
    work()


@contextlib.contextmanager
def open_ground(settings: Settings, engine: Engine, app: FastAPI | None = None) -> Iterator[Ground]:
    """The ground over a migrated database, which is emptied; it serves in a thread of its own."""
    app = app or create_app(settings)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(serving(settings, app)) as base_url,
    ):
        yield Ground(base_url, app, engine)
