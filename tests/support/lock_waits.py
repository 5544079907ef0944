"""Who waits for whom in Postgres."""

from sqlalchemy import Engine, text

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def waiting_for_locks(engine: Engine) -> int:
    """How many sessions of the test's database wait for a lock that another holds."""
    with engine.connect() as connection:
        return int(connection.scalar(text(WAITING)) or 0)
