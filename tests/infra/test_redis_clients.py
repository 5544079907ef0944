"""Clients wait for a connection instead of failing, and other databases of a server are found in any URL."""

import asyncio

import pytest
from redis.exceptions import TimeoutError as RedisTimeout

from riverrun.infra.redis_clients import (
    REPLY_TIMEOUT_SECONDS,
    database_of,
    open_async_redis,
    open_blocking_redis,
    open_redis,
)


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
