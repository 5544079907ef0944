"""Everything that the API process tells Prometheus."""

from collections.abc import Iterator
from itertools import chain

from prometheus_client import Metric

from riverrun.infra.loop_metrics import LoopMetrics
from riverrun.infra.pool_metrics import PoolMetrics
from riverrun.infra.process_metrics import process_families
from riverrun.infra.request_metrics import RequestMetrics
from riverrun.runs.queue_metrics import QueueMetrics
from riverrun.streaming.stream_metrics import StreamMetrics


class ApiMetrics:
    """Holds whatever counts, and asks it when somebody scrapes. No registry: what is not in here is not told."""

    def __init__(
        self,
        *,
        requests: RequestMetrics,
        loop: LoopMetrics,
        pools: PoolMetrics,
        streams: StreamMetrics,
        queues: QueueMetrics,
    ) -> None:
        self._quick = (requests, loop, streams, pools)
        self._queues = queues

    async def families(self) -> Iterator[Metric]:
        """For a scrape: what had to be asked for, and then what was counted, made as it is taken."""
        asked = await self._queues.families()
        counted = chain.from_iterable(source.families() for source in self._quick)
        return chain(process_families("api"), counted, asked)
