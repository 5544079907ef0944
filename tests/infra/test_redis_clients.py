"""Clients wait for a connection instead of failing, and other databases of a server are found in any URL."""

import asyncio
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from kombu.exceptions import OperationalError
from redis.exceptions import TimeoutError as RedisTimeout
from tests.support.certificates import write_certificate
from tests.support.tls_front import TlsFront

from riverrun.infra.celery_app import broker_url, configure_celery, results_url
from riverrun.infra.redis_clients import (
    REPLY_TIMEOUT_SECONDS,
    database_of,
    open_async_redis,
    open_blocking_redis,
    open_redis,
)
from riverrun.infra.settings import Settings


async def test_more_commands_than_connections_wait_their_turn(redis_url: str) -> None:
    async with open_async_redis(redis_url, max_connections=5) as client:
        assert await asyncio.gather(*(client.echo(str(number)) for number in range(200))) == [
            str(number).encode() for number in range(200)
        ]


def test_only_the_blocking_client_waits_longer_than_a_reply_may_take(redis_url: str) -> None:
    longer = round(1_000 * REPLY_TIMEOUT_SECONDS) + 300
    with open_blocking_redis(redis_url, max_connections=1) as patient, open_redis(redis_url) as other:
        assert not patient.xread({"nothing": "$"}, block=longer)
        with pytest.raises(RedisTimeout):
            other.xread({"nothing": "$"}, block=longer)


@pytest.mark.parametrize(
    ("url", "other"),
    [
        ("redis://:secret@h:6379/0", "redis://:secret@h:6379/1"),
        ("redis://h", "redis://h/1"),
        ("rediss://h/0?ssl_ca_certs=/etc/ca.pem", "rediss://h/1?ssl_ca_certs=/etc/ca.pem"),
        ("unix:///run/valkey.sock", "unix:///run/valkey.sock?db=1"),
        ("unix:///run/valkey.sock?db=0", "unix:///run/valkey.sock?db=1"),
    ],
)
def test_the_other_database_is_on_the_same_server(url: str, other: str) -> None:
    assert database_of(url, 1) == other


@pytest.mark.parametrize(
    ("given", "to_celery"),
    [
        ("rediss://:x@h/0", "rediss://:x@h/1?ssl_cert_reqs=required"),
        ("rediss://h/0?ssl_ca_certs=/ca.pem", "rediss://h/1?ssl_ca_certs=%2Fca.pem&ssl_cert_reqs=required"),
        ("rediss://h/0?ssl_cert_reqs=none", "rediss://h/1?ssl_cert_reqs=none"),
        ("redis://h/0", "redis://h/1"),
    ],
)
def test_celery_is_told_what_redis_py_takes_for_granted(given: str, to_celery: str) -> None:
    assert broker_url(Settings(_env_file=None, redis_url=given)) == to_celery
    alone = Settings(_env_file=None, broker_url=to_celery, results_url=to_celery)
    assert (broker_url(alone), results_url(alone)) == (to_celery, to_celery)


@pytest.mark.parametrize(("vouches", "connected"), [("localhost", True), ("elsewhere.example", False)])
def test_a_workers_broker_behind_tls_is_believed_by_its_certificate(
    redis_url: str, tmp_path: Path, vouches: str, connected: bool
) -> None:
    certificate, upstream = write_certificate(tmp_path, "localhost"), urlsplit(redis_url)
    authority = certificate if vouches == "localhost" else write_certificate(tmp_path, vouches)
    assert upstream.port
    with TlsFront(upstream.port, certificate) as front:
        query = urlencode({"ssl_ca_certs": str(authority)})
        url = f"rediss://:{upstream.password}@localhost:{front.port}/0?{query}"
        app = configure_celery(Settings(_env_file=None, redis_url=url))
        assert app.backend
        with app.connection_for_read() as connection:
            if connected:
                connection.ensure_connection(max_retries=1)
            else:
                with pytest.raises(OperationalError, match="certificate verify failed"):
                    connection.ensure_connection(max_retries=1)
