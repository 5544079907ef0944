"""Asking a database for its revision, without Alembic; the answer of one that was never migrated is none."""

from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

READ_REVISION = text("SELECT version_num FROM alembic_version")
UNDEFINED_TABLE_SQLSTATE = "42P01"


def read_revision(connection: Connection) -> str | None:
    """The revision a database is at; none when it was never migrated."""
    try:
        revision: str | None = connection.scalar(READ_REVISION)
    except ProgrammingError as error:
        require_undefined(error)
        return None
    return revision


async def read_revision_async(connection: AsyncConnection) -> str | None:
    """The same for the API."""
    try:
        revision: str | None = await connection.scalar(READ_REVISION)
    except ProgrammingError as error:
        require_undefined(error)
        return None
    return revision


def require_undefined(error: ProgrammingError) -> None:
    """Raise it again unless it says that the table is missing."""
    if getattr(error.orig, "sqlstate", None) != UNDEFINED_TABLE_SQLSTATE:
        raise error
