"""Valkey/Redis: the only place where clients are built.

redis-py 8 defaults to a 5 s socket timeout and retries in the dark; we name both. RESP2 keeps reply shapes fixed.
"""

from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

SyncRedis = redis.Redis
AsyncRedis = redis.asyncio.Redis
Client = TypeVar("Client", SyncRedis, AsyncRedis)

CONNECT_TIMEOUT_SECONDS = 2.0
REPLY_TIMEOUT_SECONDS = 2.0
RETRIES = 1


def open_redis(redis_url: str) -> redis.Redis:
    """A worker's client; connects lazily, answers or raises within seconds."""
    return _plain(redis.Redis.from_url(redis_url, retry=Retry(_backoff(), RETRIES), **_common()))


def open_blocking_redis(redis_url: str, *, max_connections: int) -> redis.Redis:
    """A client for reads that wait on the server (``XREAD BLOCK``): a silent line is no error to it, a lost one is at once.

    Only ``redis_stream_generator`` uses it. A connection is held for as long as a reader waits; TCP keepalive finds a
    dead peer.
    """
    patient = _common() | {"socket_timeout": None}
    return _plain(
        redis.Redis.from_url(
            redis_url, max_connections=max_connections, retry=Retry(_backoff(), 0), **patient
        )
    )


def open_async_redis(redis_url: str, *, max_connections: int = 50) -> redis.asyncio.Redis:
    """The API's client for commands; connects lazily. Belongs to one event loop.

    More commands at once than connections wait their turn, as long as a reply may take.
    """
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        redis_url,
        max_connections=max_connections,
        timeout=REPLY_TIMEOUT_SECONDS,
        retry=AsyncRetry(_backoff(), RETRIES),
        **_common(),
    )
    return _plain(redis.asyncio.Redis.from_pool(pool))


def database_of(redis_url: str, database: int) -> str:
    """The same server's other logical database: broker and results stay apart from the streams."""
    parts = urlsplit(redis_url)
    if parts.scheme == "unix":
        kept = [item for item in parse_qsl(parts.query) if item[0] != "db"]
        return f"unix://{parts.path}?{urlencode([*kept, ('db', database)])}"
    return urlunsplit(parts._replace(path=f"/{database}"))


def with_certificates_required(redis_url: str) -> str:
    """What redis-py takes for granted and Celery wants said: ``rediss`` checks the server's certificate."""
    parts = urlsplit(redis_url)
    options = parse_qsl(parts.query, keep_blank_values=True)
    if parts.scheme != "rediss" or "ssl_cert_reqs" in dict(options):
        return redis_url
    return urlunsplit(parts._replace(query=urlencode([*options, ("ssl_cert_reqs", "required")])))


def _plain(client: Client) -> Client:
    """Leave entries of streams as they come, ``[id, [name, value, ...]]``: a dict each costs more than what they are for."""
    for command in ("XRANGE", "XREVRANGE", "XREAD"):
        client.set_response_callback(command, _as_it_came)
    return client


def _as_it_came(response: Any, **kwargs: Any) -> Any:
    return response


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
