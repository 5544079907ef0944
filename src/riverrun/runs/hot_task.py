"""What a worker tells Redis of the task that it works on, for those who poll. The run's row is the truth."""

import logging
from uuid import UUID

from redis.exceptions import RedisError

from riverrun.runs.models import RunStatus
from riverrun.streaming.redis_streaming import RedisStreamManager

logger = logging.getLogger(__name__)


class HotTask:
    """Tells the beginning and the end. A Redis that is away is told nothing: pollers then ask the record."""

    def __init__(self, streams: RedisStreamManager, run_id: UUID, task_id: str | None) -> None:
        self._streams = streams
        self._run_id = run_id
        self._task_id = task_id

    def begin(self) -> None:
        """A worker has the run."""
        try:
            self._streams.set_task_status(self._run_id, RunStatus.RUNNING)
            if self._task_id is not None:
                self._streams.set_task_id(self._run_id, self._task_id)
        except (RedisError, OSError) as error:
            logger.warning("run %s: its beginning is known to the record alone: %s", self._run_id, error)

    def end(self, status: RunStatus) -> None:
        """The run is over, and its row says so."""
        try:
            self._streams.set_task_status(self._run_id, status)
        except (RedisError, OSError) as error:
            logger.warning("run %s: its end is known to the record alone: %s", self._run_id, error)
