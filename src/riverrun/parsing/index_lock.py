"""The lock under which a project's index changes: workers take it by psycopg, the API by SQLAlchemy."""

from uuid import UUID

from sqlalchemy import Select, func, select


def lock_name(project_id: UUID) -> str:
    """What Postgres' advisory lock is a hash of."""
    return f"index {project_id}"


def lock_index(project_id: UUID) -> Select[None]:
    """Wait until no worker is in the middle of a change, and let none begin one before the transaction's end.

    Take it before the project's row: workers do.
    """
    return select(func.pg_advisory_xact_lock(func.hashtextextended(lock_name(project_id), 0)))
