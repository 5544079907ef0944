"""Valkey/Redis: the only place where clients are built.

redis-py 8 defaults to a 5 s socket timeout and retries in the dark; we name both. RESP2 keeps reply shapes fixed.
"""

from typing import Any

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

SyncRedis = redis.Redis
AsyncRedis = redis.asyncio.Redis

CONNECT_TIMEOUT_SECONDS = 2.0
REPLY_TIMEOUT_SECONDS = 2.0
RETRIES = 1


def open_redis(redis_url: str) -> redis.Redis:
    """A worker's client; connects lazily, answers or raises within seconds."""
    return redis.Redis.from_url(redis_url, retry=Retry(_backoff(), RETRIES), **_common())


def open_async_redis(redis_url: str, *, max_connections: int = 50) -> redis.asyncio.Redis:
    """The API's client for commands; connects lazily. Belongs to one event loop."""
    return redis.asyncio.Redis.from_url(
        redis_url, retry=AsyncRetry(_backoff(), RETRIES), max_connections=max_connections, **_common()
    )


def open_subscriber_redis(redis_url: str) -> redis.asyncio.Redis:
    """The API's client for its one SUBSCRIBE connection: it may be silent for ever, so reads have no timeout.

    It never retries by itself: the hub must know of each lost connection to look for gaps.
    """
    settings = _common() | {"socket_timeout": None, "health_check_interval": 0}
    return redis.asyncio.Redis.from_url(
        redis_url, retry=AsyncRetry(_backoff(), 0), max_connections=2, **settings
    )


def database_of(redis_url: str, database: int) -> str:
    """The same server's other logical database: broker and results stay apart from the streams."""
    head, _, _ = redis_url.rpartition("/") if redis_url.count("/") > 2 else (redis_url, "", "")
    return f"{head}/{database}"


def _backoff() -> ExponentialBackoff:
    return ExponentialBackoff(cap=0.2, base=0.02)


def _common() -> dict[str, Any]:
    return {
        "socket_timeout": REPLY_TIMEOUT_SECONDS,
        "socket_connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "socket_keepalive": True,
        "protocol": 2,
        "driver_info": None,  # else each new connection looks its library's version up on the disk
    }
