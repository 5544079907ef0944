"""The worker that has ended a run wakes one for the run that waits behind it."""

import logging
from uuid import UUID

from celery import Celery
from kombu.exceptions import OperationalError
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from riverrun.runs import line_statements, statements

logger = logging.getLogger(__name__)


def wake_next(app: Celery, engine: Engine, run_id: UUID) -> None:
    """Send the wake-up of the run whose turn it is on the subject of ``run_id``, if one waits.

    This only saves time: the sweeper sends what was not sent here.
    """
    try:
        with engine.begin() as connection:
            row = connection.execute(line_statements.next_wake_up_beside(run_id)).first()
            if row is not None:
                app.send_task(
                    row.task,
                    kwargs={"run_id": str(row.run_id)},
                    queue=row.queue,
                    retry=False,
                    ignore_result=True,
                )
                connection.execute(statements.mark_sent([row.run_id]))
    except (OperationalError, DBAPIError, OSError) as error:
        logger.warning("what waits behind run %s is left to the sweeper: %s", run_id, error)
