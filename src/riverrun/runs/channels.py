"""How an API process tells about runs, and how it hears of them."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.infra.dependencies import commit_now
from riverrun.infra.task_dispatch import WakeUp
from riverrun.runs.outbox import Outbox
from riverrun.streaming.events import Event
from riverrun.streaming.hub import StreamHub
from riverrun.streaming.redis_streaming import AsyncRedisStreamManager


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run that the API itself has ended: its whole log, for the readers."""

    run_id: UUID
    log: list[Event]


@dataclass(frozen=True, slots=True)
class RunChannels:
    """The hub and the streams for readers, the outbox for workers."""

    hub: StreamHub
    streams: AsyncRedisStreamManager
    outbox: Outbox

    async def commit(
        self, session: AsyncSession, *, ended: Sequence[EndedRun] = (), wake_up: WakeUp | None = None
    ) -> None:
        """Commit, then tell the readers of the ended runs and wake a worker. Both get lost without harm: readers find
        an end in the record, the sweeper finds a wake-up in the outbox."""
        await commit_now(session)
        if wake_up is not None:
            self.outbox.send_soon(wake_up)
        for run in ended:
            with contextlib.suppress(RedisError, OSError):
                await self.streams.publish_events(run.run_id, run.log)
