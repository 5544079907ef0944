"""How an API process tells about runs, and how it hears of them."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.infra.dependencies import commit_now
from riverrun.infra.task_dispatch import WakeUp
from riverrun.runs.event_log import QUEUED
from riverrun.runs.models import RunStatus
from riverrun.runs.outbox import Outbox
from riverrun.streaming.commands import PAGE_EVENTS, AppendOutcome
from riverrun.streaming.events import Event, EventType
from riverrun.streaming.hub import StreamHub
from riverrun.streaming.reader_choice import StreamReader
from riverrun.streaming.redis_streaming import AsyncRedisStreamManager

HINT_SECONDS = 0.1
"""How long a request waits for a silent Redis to take what only saves time."""
ENDS_SECONDS = 1.0
"""The same for the ends of all runs that make way for another: readers who miss them wait for the watchdog."""

APPENDED = {AppendOutcome.APPENDED, AppendOutcome.STOPPING}


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run that the API itself has ended: its whole log, for the readers."""

    run_id: UUID
    log: list[Event]

    @property
    def status(self) -> str:
        """How it ended."""
        return str(self.log[-1].fields["status"])

    @property
    def kept(self) -> list[Event]:
        """What was said before the API spoke; ``queued`` at least."""
        return self.log[: len(self.log) - len(self.added)]

    @property
    def added(self) -> list[Event]:
        """What the API has said: the ``end``, after an ``attempt`` where the run was worked on."""
        took_over = self.log[-2].type == EventType.ATTEMPT
        return self.log[-2:] if took_over else self.log[-1:]


@dataclass(frozen=True, slots=True)
class RunChannels:
    """The hub, its reader and the streams for clients, the outbox for workers."""

    hub: StreamHub
    reader: StreamReader
    streams: AsyncRedisStreamManager
    outbox: Outbox

    async def commit(
        self,
        session: AsyncSession,
        *,
        ended: Sequence[EndedRun] = (),
        stopping: Sequence[UUID] = (),
        wake_up: WakeUp | None = None,
    ) -> None:
        """Commit, tell the readers of the ended runs and the workers of those that are stopping, and wake a worker.

        All of it gets lost without harm: readers find an end in the record, workers look there for a stop, the
        sweeper finds a wake-up in the outbox.
        """
        await self._hint_stops(stopping)
        await commit_now(session)
        if wake_up is not None:
            self.outbox.send_soon(wake_up)
            await self._hint_wake_up(wake_up)
        await self._tell_ends(ended)

    async def forget(self, run_ids: Sequence[UUID]) -> None:
        """Drop the hot copies of runs that are over; while Redis is away their time to live does it."""
        with contextlib.suppress(RedisError, OSError):
            for run_id in run_ids:
                await self.streams.clear_session(run_id)

    async def _tell_ends(self, ended: Sequence[EndedRun]) -> None:
        with contextlib.suppress(RedisError, OSError):
            async with asyncio.timeout(ENDS_SECONDS):
                for run in ended:
                    await self._tell_end(run)
                    await self.streams.set_task_status(run.run_id, run.status)

    async def _tell_end(self, run: EndedRun) -> None:
        """What was added, where Redis has all before it; else the whole log, and the loop is free between its portions."""
        outcomes: set[AppendOutcome] = set()
        if await self.streams.has(run.run_id, run.kept[-1].position):
            outcomes.update(await self.streams.publish_events(run.run_id, run.added))
            if outcomes <= APPENDED:
                return
        if AppendOutcome.KNOWN in outcomes:  # said by an attempt that the record does not know
            await self.streams.start_over(run.run_id)
        for start in range(0, len(run.log), PAGE_EVENTS):
            await self.streams.publish_events(run.run_id, run.log[start : start + PAGE_EVENTS])

    async def _hint_stops(self, stopping: Sequence[UUID]) -> None:
        """Before the commit: the look into the record that this makes a worker take waits for the intent's row lock.

        So not one event more is said than the one that brings the hint. Of a commit that fails the worker finds nothing.
        """
        with contextlib.suppress(RedisError, OSError):
            async with asyncio.timeout(HINT_SECONDS):
                for run_id in stopping:
                    await self.streams.set_cancellation(run_id)

    async def _hint_wake_up(self, wake_up: WakeUp) -> None:
        """Begin the hot copy, so that neither the reader nor the worker has to look at the record for ``queued``."""
        with contextlib.suppress(RedisError, OSError):
            async with asyncio.timeout(HINT_SECONDS):
                await asyncio.gather(
                    self.streams.publish_event(wake_up.run_id, QUEUED),
                    self.streams.set_task_status(wake_up.run_id, RunStatus.QUEUED),
                )
