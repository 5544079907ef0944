"""The outbox: wake-ups written with their runs, sent after the commit, re-sent when they were lost."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from typing import TypeVar
from uuid import UUID

from redis.exceptions import RedisError
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

from riverrun.infra.revision_reading import read_revision_async
from riverrun.infra.schema_revision import MisfitTables, require_fitting
from riverrun.infra.task_dispatch import TaskDispatcher, WakeUp
from riverrun.kit.background import run_beside
from riverrun.kit.outage_log import OutageLog
from riverrun.runs import statements

SWEEP_SECONDS = 1.0
UNSENT_SECONDS = 1.0
LOST_SECONDS = 3.0
STALE_SECONDS = 60.0
NOTE_SECONDS = 0.2
"""What was sent is noted after so long, together: at once it would take turns at the disk with the worker's claim. A process
that dies meanwhile has its wake-ups sent again.
"""

Item = TypeVar("Item")

logger = logging.getLogger(__name__)


class Outbox:
    """Sends wake-ups at once when told, and sweeps for those that got lost.

    Sending one twice is harmless, the lease drops the second. After Postgres was away no run is taken from a worker
    for the length of one lease.
    """

    def __init__(self, engine: AsyncEngine, dispatcher: TaskDispatcher, *, lease_seconds: float) -> None:
        self._engine = engine
        self._dispatcher = dispatcher
        self._lease_seconds = lease_seconds
        self._was_away = False
        self._grace_until = 0.0
        self._fresh: asyncio.Queue[WakeUp] = asyncio.Queue()
        self._sent: asyncio.Queue[UUID] = asyncio.Queue()
        self._outages = OutageLog(logger, "wake-ups are swept for again")

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Outbox"]:
        """Keep sending and sweeping."""
        async with run_beside(self._send_fresh, self._note_sent, self._sweep):
            yield self

    def send_soon(self, wake_up: WakeUp) -> None:
        """Send a committed wake-up without waiting for the broker."""
        self._fresh.put_nowait(wake_up)

    async def _send_fresh(self) -> None:
        while True:
            batch = [await self._fresh.get(), *_all_of(self._fresh)]
            try:
                await self._dispatcher.send(batch)
            except Exception as error:
                logger.warning("%s wake-ups wait for the sweeper: %s", len(batch), error)
                continue
            for wake_up in batch:
                self._sent.put_nowait(wake_up.run_id)

    async def _note_sent(self) -> None:
        while True:
            first = await self._sent.get()
            await asyncio.sleep(NOTE_SECONDS)
            run_ids = [first, *_all_of(self._sent)]
            try:
                async with self._engine.begin() as connection:
                    await connection.execute(statements.mark_sent(run_ids))
            except Exception as error:
                logger.warning("%s wake-ups will be sent again: %s", len(run_ids), error)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await self.sweep()
            except RedisError as error:
                self._outages.failed("the broker is away, wake-ups wait", error)
            except Exception as error:
                self.note_outage()
                self._outages.failed("sweep put off", await self._reason(error))
            else:
                self._outages.worked()

    async def _reason(self, error: Exception) -> BaseException:
        """That the tables are of another release, where a statement failed for that; else what the driver itself says."""
        if isinstance(error, ProgrammingError):
            try:
                async with self._engine.connect() as connection:
                    require_fitting(await read_revision_async(connection))
            except MisfitTables as misfit:
                return misfit
            except Exception:  # then the first error is the one to tell, and the sweeps go on
                logger.debug("the tables' revision could not be read", exc_info=True)
        return getattr(error, "orig", None) or error

    def note_outage(self) -> None:
        """Postgres was away: leases may have run out that their workers are about to renew."""
        self._was_away = True

    async def sweep(self) -> int:
        """Re-send what is due; returns how many were sent."""
        async with self._engine.begin() as connection:
            queues = (await connection.scalars(statements.queues_in_use())).all()
            if self._was_away:
                self._was_away = False
                self._grace_until = time.monotonic() + self._lease_seconds
            if not queues:
                return 0
            waiting = await self._dispatcher.waiting(queues)
            due_statement = statements.due_wake_ups(
                idle_queues=[queue for queue in queues if waiting[queue] == 0],
                takes_over=time.monotonic() >= self._grace_until,
                unsent_seconds=UNSENT_SECONDS,
                lost_seconds=LOST_SECONDS,
                stale_seconds=STALE_SECONDS,
            )
            rows = await connection.execute(due_statement)
            due = [WakeUp(row.task, row.queue, row.run_id) for row in rows]
            if due:
                await self._dispatcher.send(due)
                await connection.execute(statements.mark_sent([wake_up.run_id for wake_up in due]))
            return len(due)


def _all_of(queue: asyncio.Queue[Item]) -> list[Item]:
    """Everything that waits now."""
    return [queue.get_nowait() for _ in range(queue.qsize())]
