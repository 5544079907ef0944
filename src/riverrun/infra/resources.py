"""What the API process holds: async drivers only, opened once, on the loop that uses them."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from riverrun.infra.celery_app import broker_url
from riverrun.infra.database import open_async_engine
from riverrun.infra.rate_limits import RateLimiter
from riverrun.infra.redis_clients import AsyncRedis, open_async_redis
from riverrun.infra.settings import Settings
from riverrun.infra.thread_bridge import ThreadBridge

HASHING_THREADS = 2
MOST_WAITING_FOR_A_HASH = 40
"""At two tenths of a second each, the last of them waits for about four seconds."""


@dataclass(frozen=True, slots=True)
class Resources:
    """Connections to what lies outside; none is made before it is used."""

    settings: Settings
    engine: AsyncEngine
    redis: AsyncRedis
    broker: AsyncRedis
    threads: ThreadBridge
    hashing: ThreadBridge
    """For passwords alone: others do not wait behind them."""
    rates: RateLimiter


@contextlib.asynccontextmanager
async def open_resources(settings: Settings) -> AsyncIterator[Resources]:
    """Open, and close in reverse order."""
    async with contextlib.AsyncExitStack() as stack:
        engine = open_async_engine(settings.require_database_url())
        stack.push_async_callback(engine.dispose)
        redis = open_async_redis(settings.require_redis_url())
        stack.push_async_callback(redis.aclose)
        broker = open_async_redis(broker_url(settings))
        stack.push_async_callback(broker.aclose)
        threads = ThreadBridge()
        stack.callback(threads.close)
        hashing = ThreadBridge(HASHING_THREADS, name="riverrun-hashing", most_waiting=MOST_WAITING_FOR_A_HASH)
        stack.callback(hashing.close)
        yield Resources(settings, engine, redis, broker, threads, hashing, RateLimiter(redis))
