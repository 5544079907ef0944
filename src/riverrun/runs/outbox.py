"""The outbox: wake-ups written with their runs, sent after the commit, re-sent when they were lost."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from riverrun.infra.task_dispatch import TaskDispatcher, WakeUp
from riverrun.runs import statements

SWEEP_SECONDS = 1.0
UNSENT_SECONDS = 1.0
LOST_SECONDS = 3.0

logger = logging.getLogger(__name__)


class Outbox:
    """Sends wake-ups at once when told, and sweeps for those that got lost.

    A wake-up counts as lost when its run still waits, or its worker's lease ran out, and its queue is empty: what
    waits in a queue is not lost. Sending one twice is harmless, the lease drops the second.
    """

    def __init__(self, engine: AsyncEngine, dispatcher: TaskDispatcher, *, lease_seconds: float) -> None:
        self._engine = engine
        self._dispatcher = dispatcher
        self._lease_seconds = lease_seconds
        self._fresh: asyncio.Queue[WakeUp] = asyncio.Queue()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Outbox"]:
        """Keep sending and sweeping."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._send_fresh()), group.create_task(self._sweep())]
            try:
                yield self
            finally:
                for task in tasks:
                    task.cancel()

    def send_soon(self, wake_up: WakeUp) -> None:
        """Send a committed wake-up without waiting for the broker."""
        self._fresh.put_nowait(wake_up)

    async def _send_fresh(self) -> None:
        while True:
            batch = [await self._fresh.get()]
            while not self._fresh.empty():
                batch.append(self._fresh.get_nowait())
            try:
                await self._dispatcher.send(batch)
                await self._mark_sent(batch)
            except Exception as error:
                logger.warning("%s wake-ups wait for the sweeper: %s", len(batch), error)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await self.sweep()
            except Exception as error:
                logger.warning("sweep put off: %s", error)
                await self._outage_is_over()

    async def _outage_is_over(self) -> None:
        """Wait until Postgres answers, then as long as workers need to renew leases that ran out meanwhile."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            with contextlib.suppress(Exception):
                async with self._engine.connect() as connection:
                    await connection.execute(select(1))
                break
        await asyncio.sleep(self._lease_seconds / 3)

    async def sweep(self) -> int:
        """Re-send what is due; returns how many were sent."""
        async with self._engine.begin() as connection:
            rows = (
                await connection.execute(
                    statements.due_wake_ups(unsent_seconds=UNSENT_SECONDS, lost_seconds=LOST_SECONDS)
                )
            ).all()
            if not rows:
                return 0
            waiting = await self._dispatcher.waiting(sorted({row.queue for row in rows}))
            due = [
                WakeUp(row.task, row.queue, row.run_id)
                for row in rows
                if row.sent_at is None or waiting[row.queue] == 0
            ]
            if due:
                await self._dispatcher.send(due)
                await connection.execute(statements.mark_sent([row.run_id for row in rows]))
            return len(due)

    async def _mark_sent(self, batch: list[WakeUp]) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(statements.mark_sent([wake_up.run_id for wake_up in batch]))
