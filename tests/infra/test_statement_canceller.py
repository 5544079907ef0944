"""Ending a statement from another thread."""

import threading

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from tests.support.waiting import wait_until

from riverrun.infra.statement_canceller import StatementCanceller

WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60) AS long'")


def test_a_statement_that_waits_is_ended_and_the_session_goes_on(engine: Engine) -> None:
    with Session(engine) as session:
        canceller = StatementCanceller(session)
        session.execute(select(1))
        session.rollback()

        def cancel_when_it_waits() -> None:
            # Each look sees the servers' activity anew only in a transaction of its own.
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                wait_until(lambda: connection.scalar(WAITING))
            canceller.cancel()

        cancelling = threading.Thread(target=cancel_when_it_waits)
        cancelling.start()
        with pytest.raises(OperationalError, match="canceling statement"):
            session.execute(text("SELECT pg_sleep(60) AS long"))
        cancelling.join()
        session.rollback()
        assert session.scalar(select(func.count()).select_from(text("runs"))) == 0


def test_a_session_that_waits_for_nothing_does_not_notice(engine: Engine) -> None:
    with Session(engine) as session:
        canceller = StatementCanceller(session)
        canceller.cancel()
        assert session.scalar(select(1)) == 1
        canceller.cancel()
        assert session.scalar(select(2)) == 2
