"""Postgres: the declarative base, and the only place where engines are built."""

import time
from typing import Any

from sqlalchemy import Engine, ExceptionContext, MetaData, create_engine, event, make_url
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from riverrun.infra.postgres_options import OF_BOTH, for_asyncpg, for_psycopg, require_known

CONNECT_TIMEOUT_SECONDS = 5
COMMAND_TIMEOUT_SECONDS = 30
KEEPALIVE_SECONDS = 5
IDLE_TRANSACTION_SECONDS = 10
"""Postgres ends a session that was left in mid-transaction: a frozen worker must not keep its run's row locked for as long
as it sleeps. Shorter than a lease, so that the row is free when the lease has run out."""
PING_AFTER_SECONDS = 1.0
"""A connection that was used within this time is taken as alive. A ping costs three round trips, a request has a dozen."""
IDLE_TRANSACTION = "idle_in_transaction_session_timeout"
IDLE_TRANSACTION_SQLSTATE = "25P03"


class Base(DeclarativeBase):
    """The root of all tables; constraint names are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


# ``hide_parameters``: an error's text goes to the log, what users wrote must not.


def open_async_engine(database_url: str, *, pool_size: int = 20) -> AsyncEngine:
    """The API's engine (asyncpg). Connects lazily; a dead connection is found when it is taken after a pause.

    It keeps all the connections it may have: those beyond a pool's size are opened and closed by the request that takes
    them, which is more work than the request's own. The one that was given back last is taken first: its statements are
    prepared and planned, and it was used a moment ago.

    TLS is decided here, once, by the URL's ``sslmode`` (``disable``, the default; ``require``; ``verify-full``): left
    to itself asyncpg looks for certificates on the disk at each connection, on the event loop.

    Raises ``ValueError`` for an option that is not known.
    """
    url = make_url(database_url)
    require_known(url.query)
    arguments = for_asyncpg(url.query)
    engine = create_async_engine(
        url.difference_update_query(set(url.query) - OF_BOTH).set(drivername="postgresql+asyncpg"),
        pool_size=pool_size,
        max_overflow=0,
        pool_use_lifo=True,
        pool_timeout=10,
        hide_parameters=True,
        connect_args={
            "ssl": arguments["ssl"],
            "timeout": CONNECT_TIMEOUT_SECONDS,
            "command_timeout": COMMAND_TIMEOUT_SECONDS,
            "server_settings": arguments["server_settings"]
            | {IDLE_TRANSACTION: f"{IDLE_TRANSACTION_SECONDS}s"},
        },
    )
    _watch_over(engine.sync_engine)
    return engine


def open_engine(database_url: str, *, pool_size: int = 5, max_overflow: int = 10) -> Engine:
    """A worker's engine (psycopg 3, sync). Build it after the fork: sockets are not shared by processes.

    Raises ``ValueError`` for an option that the API's engine would not know.
    """
    url = make_url(database_url)
    require_known(url.query)
    idle = f"-c {IDLE_TRANSACTION}={IDLE_TRANSACTION_SECONDS}s"
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=max_overflow,
        hide_parameters=True,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "client_encoding": "utf8",
            "options": f"{url.query.get('options', '')} {idle}".strip(),
            "keepalives_idle": KEEPALIVE_SECONDS,
            "keepalives_interval": KEEPALIVE_SECONDS,
            "keepalives_count": 3,
            "tcp_user_timeout": 1_000 * COMMAND_TIMEOUT_SECONDS,
            **for_psycopg(url.query),
        },
    )
    _watch_over(engine)
    return engine


def _watch_over(engine: Engine) -> None:
    """Find connections that died while nobody used them, and see lost ones as what they are."""
    dialect = engine.dialect

    def note_return(_connection: object, record: Any) -> None:
        record.info["returned_at"] = time.monotonic()

    def ping_after_a_pause(connection: Any, record: Any, _proxy: object) -> None:
        paused = time.monotonic() - record.info.get("returned_at", time.monotonic())
        if paused > PING_AFTER_SECONDS:
            try:
                dialect.do_ping(connection)
            except dialect.loaded_dbapi.Error as error:
                raise InvalidatePoolError("a connection died while it was not used") from error

    event.listen(engine, "checkin", note_return)
    event.listen(engine, "checkout", ping_after_a_pause)
    event.listen(engine, "handle_error", _note_ended_session)


def _note_ended_session(context: ExceptionContext) -> None:
    """A session that Postgres ended is a lost connection, whatever class of error the driver makes of it."""
    if getattr(context.original_exception, "sqlstate", None) == IDLE_TRANSACTION_SQLSTATE:
        context.is_disconnect = True
