"""Ending a worker's statement from another thread."""

import contextlib
from typing import Any

import psycopg
from sqlalchemy import Connection, event
from sqlalchemy.orm import Session, SessionTransaction

CANCEL_TIMEOUT_SECONDS = 1.0


class StatementCanceller:
    """Ends the statement that a session waits for, from any thread. Make it before the session is used."""

    def __init__(self, session: Session) -> None:
        self._in_use: psycopg.Connection[Any] | None = None
        event.listen(session, "after_begin", self._note)

    def cancel(self) -> None:
        """Do so; a session that waits for nothing does not notice."""
        if self._in_use is not None:
            with contextlib.suppress(psycopg.Error):
                self._in_use.cancel_safe(timeout=CANCEL_TIMEOUT_SECONDS)

    def _note(self, _session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
        """Each transaction may take another connection from the pool."""
        driver_connection = connection.connection.driver_connection
        assert isinstance(driver_connection, psycopg.Connection)
        self._in_use = driver_connection
