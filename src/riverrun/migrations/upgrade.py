"""Alembic driven from code: its configuration is here, there is no ini file."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from riverrun.infra.database import open_engine
from riverrun.infra.schema_revision import newer_tables, require_utf8

SCRIPTS = Path(__file__).parent
LOCK_KEY = 0x5249564552
"""Any number of our own: two processes that migrate the same database take turns."""


def upgrade(database_url: str) -> None:
    """Bring a database to the newest revision, all in one transaction. Does nothing when it is there already.

    Raises ``MisfitTables`` when a newer release made the tables, or the database cannot hold every text.
    """
    engine = open_engine(database_url, pool_size=1)
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
            require_utf8(connection.execute(text("SHOW server_encoding")).scalar_one())
            require_known(MigrationContext.configure(connection).get_current_revision())
            command.upgrade(configuration(connection), "head")
    finally:
        engine.dispose()


def current_revision(database_url: str) -> str | None:
    """The revision a database is at; none for an empty one. Raises SQLAlchemy's errors when it cannot be asked."""
    engine = open_engine(database_url, pool_size=1)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


def newest_revision() -> str | None:
    """The revision that this release's code needs."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


def require_known(revision: str | None) -> None:
    """Raise ``MisfitTables`` for a revision that no script of this release leads to."""
    known = {script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions()}
    if revision is not None and revision not in known:
        raise newer_tables(revision)


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration; the scripts run on the given connection."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
