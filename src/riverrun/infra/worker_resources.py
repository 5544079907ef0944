"""What a worker process holds: a sync engine, a sync Redis client, and one loop for its agents; built after the fork.

One loop for the process's life: model clients are bound to the loop that first used them.
"""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Engine

from riverrun.infra.database import open_engine
from riverrun.infra.redis_clients import SyncRedis, open_redis
from riverrun.infra.settings import Settings
from riverrun.infra.shared_metrics import SharedMetrics
from riverrun.infra.tracing import NO_TRACING, Tracing, open_tracing
from riverrun.infra.worker_leaving import Leaving

Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class WorkerResources:
    """Built once a process; ``pid`` tells a fork that it must build its own."""

    settings: Settings
    engine: Engine
    redis: SyncRedis
    runner: asyncio.Runner
    leaving: Leaving
    pid: int
    metrics: SharedMetrics | None = None
    """None where nobody will ask."""
    tracing: Tracing = NO_TRACING
    _kept: dict[Callable[["WorkerResources"], Any], Any] = field(default_factory=dict, repr=False)

    @classmethod
    def open(
        cls, settings: Settings, leaving: Leaving, metrics: SharedMetrics | None = None
    ) -> "WorkerResources":
        """Connects lazily, on first use."""
        return cls(
            settings=settings,
            engine=open_engine(settings.require_database_url()),
            redis=open_redis(settings.require_redis_url()),
            runner=asyncio.Runner(),
            leaving=leaving,
            pid=os.getpid(),
            metrics=metrics,
            tracing=open_tracing(settings, "worker"),
        )

    def kept(self, make: Callable[["WorkerResources"], Kept]) -> Kept:
        """What ``make`` makes of these resources, made when it is first asked for; when that fails, it is tried again."""
        if make not in self._kept:
            self._kept[make] = make(self)
        return self._kept[make]  # type: ignore[no-any-return]
