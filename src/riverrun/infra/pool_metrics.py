"""How full the API's pools are: Postgres, Valkey, threads. Looked at when they are asked for; nothing is counted meanwhile."""

from collections.abc import Iterator
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from riverrun.infra.redis_clients import AsyncRedis
from riverrun.infra.resources import Resources


class PoolMetrics:
    """Reads what lies in ``resources``; the libraries have no public word for those who wait, so a test watches over it."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def families(self) -> Iterator[Metric]:
        """For a scrape, on the loop that uses the pools."""
        yield from self._postgres()
        yield from self._redis()
        yield from self._threads()

    def _postgres(self) -> Iterator[Metric]:
        pool: Any = self._resources.engine.pool
        yield GaugeMetricFamily(
            "riverrun_postgres_pool_size", "Connections to Postgres that there may be", value=pool.size()
        )
        connections = GaugeMetricFamily(
            "riverrun_postgres_pool_connections", "Connections to Postgres", labels=("state",)
        )
        connections.add_metric(("in_use",), pool.checkedout())
        connections.add_metric(("idle",), pool.checkedin())
        yield connections
        yield GaugeMetricFamily(
            "riverrun_postgres_pool_waiting",
            "Requests that wait for a connection to Postgres",
            value=len(pool._pool._queue._getters),
        )

    def _redis(self) -> Iterator[Metric]:
        size = GaugeMetricFamily(
            "riverrun_redis_pool_size", "Connections to Valkey that there may be", labels=("server",)
        )
        connections = GaugeMetricFamily(
            "riverrun_redis_pool_connections", "Connections to Valkey", labels=("server", "state")
        )
        waiting = GaugeMetricFamily(
            "riverrun_redis_pool_waiting", "Commands that wait for a connection to Valkey", labels=("server",)
        )
        for server, client in self._redis_clients().items():
            pool: Any = client.connection_pool
            size.add_metric((server,), pool.max_connections)
            connections.add_metric((server, "in_use"), len(pool._in_use_connections))
            connections.add_metric((server, "idle"), len(pool._available_connections))
            waiting.add_metric((server,), len(pool._condition._waiters))
        yield from (size, connections, waiting)

    def _redis_clients(self) -> dict[str, AsyncRedis]:
        return {"streams": self._resources.redis, "broker": self._resources.broker}

    def _threads(self) -> Iterator[Metric]:
        calls = CounterMetricFamily(
            "riverrun_thread_calls",
            "Blocking functions that were run beside the event loop",
            labels=("pool",),
        )
        under_way = GaugeMetricFamily(
            "riverrun_thread_calls_under_way",
            "Blocking functions that run or wait beside the event loop",
            labels=("pool",),
        )
        for pool, bridge in {"bridge": self._resources.threads, "hashing": self._resources.hashing}.items():
            calls.add_metric((pool,), bridge.calls)
            under_way.add_metric((pool,), bridge.under_way)
        yield from (calls, under_way)
