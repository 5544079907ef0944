"""What a worker tells Prometheus: the counts of its processes, how many they are, and how often it was deaf."""

import contextlib
import logging
import socket
import threading
from collections.abc import Iterator, Sequence

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from redis.exceptions import RedisError

from riverrun.infra.metrics_server import MetricsServer
from riverrun.infra.process_metrics import process_families
from riverrun.infra.redis_clients import open_redis
from riverrun.infra.settings import MissingSetting, Settings
from riverrun.infra.shared_metrics import SharedMetrics
from riverrun.infra.worker_readiness import QUEUES

DEAF_TTL_SECONDS = 30 * 86_400
RETRY_SECONDS = 5.0

logger = logging.getLogger(__name__)


class WorkerMetrics:
    """Belongs to the main process. That it was deaf is kept in Valkey, for that ends the process."""

    def __init__(
        self, settings: Settings, queues: Sequence[str], shared: SharedMetrics, *, processes: int
    ) -> None:
        self._settings = settings
        self._queues = queues
        self._shared = shared
        self._processes = processes
        self._redis = open_redis(settings.require_redis_url())
        self._deaf_key = f"riverrun:deaf-ends:{socket.gethostname()}:{'-'.join(queues)}"

    def note_deaf(self) -> None:
        """This worker ends because it does not hear its queue any more."""
        with contextlib.suppress(RedisError, OSError):
            self._redis.incr(self._deaf_key)
            self._redis.expire(self._deaf_key, DEAF_TTL_SECONDS)

    def families(self) -> Iterator[Metric]:
        """For a scrape."""
        yield from process_families("-".join(self._queues))
        yield GaugeMetricFamily(
            "riverrun_worker_processes", "Processes that take runs", value=self._processes
        )
        yield from self._shared.families()
        ends = CounterMetricFamily(
            "riverrun_worker_deaf_ends", "How often a worker of this kind was ended as deaf on this machine"
        )
        with contextlib.suppress(RedisError, OSError):
            ends.add_metric((), float(self._redis.get(self._deaf_key) or 0))
        yield ends

    def serve_if_wanted(self) -> None:
        """Listen at the port of the worker's first queue, as long as the process lives. In a thread of its own."""
        port, token = self._settings.worker_metrics_port, self._settings.metrics_token
        if not port or token is None:
            return
        port += QUEUES.index(self._queues[0])
        threading.current_thread().name = "worker metrics"
        with self._server_at(port, token.get_secret_value()) as server:
            server.serve_forever()

    def _server_at(self, port: int, token: str) -> MetricsServer:
        """As soon as the port is free: a worker that still leaves may have it."""
        told = False
        while True:
            try:
                return MetricsServer((self._settings.host, port), token, self.families)
            except OSError as error:
                if not told:
                    logger.error(
                        "no metrics of this worker yet: port %s: %s; is RIVERRUN_WORKER_METRICS_PORT free?",
                        port,
                        error,
                    )
                told = True
                threading.Event().wait(RETRY_SECONDS)


def require_metrics_token(settings: Settings) -> None:
    """Raise MissingSetting if workers have a port for their metrics, and nothing that keeps strangers out."""
    if settings.worker_metrics_port and settings.metrics_token is None:
        raise MissingSetting(
            "RIVERRUN_METRICS_TOKEN is not set: a worker shows its metrics to nobody without it"
        )
