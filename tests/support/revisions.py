"""Databases that say they are at another release's revision."""

import psycopg

OLDER = "0015_traceparent"
NEWER = "9999_of_tomorrow"


def set_revision(database_url: str, revision: str) -> None:
    """Only what the database says of itself: its tables stay."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", (revision,))
