"""Clients wait for a connection instead of failing, and other databases of a server are found in any URL."""

import asyncio

import pytest

from riverrun.infra.redis_clients import database_of, open_async_redis


async def test_more_commands_than_connections_wait_their_turn(redis_url: str) -> None:
    async with open_async_redis(redis_url, max_connections=5) as client:
        assert await asyncio.gather(*(client.echo(str(number)) for number in range(200))) == [
            str(number).encode() for number in range(200)
        ]


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
