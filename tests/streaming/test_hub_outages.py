"""What a hub's log says of a Redis that is away."""

import asyncio
import logging

import pytest
from tests.support.waiting import wait_until_async

from riverrun.kit.free_port import free_port
from riverrun.runs.event_log import AsyncEventLog
from riverrun.streaming import hub as hub_module
from riverrun.streaming.hub import StreamHub
from riverrun.streaming.redis_streaming import AsyncRedisStreamManager
from riverrun.streaming.run_log import RunLog
from riverrun.streaming.subscriber import Address, ChannelSubscriber


async def test_a_channel_that_stays_away_is_told_of_once_and_its_return_too(
    redis_url: str,
    async_streams: AsyncRedisStreamManager,
    event_log: AsyncEventLog,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, hub_module.__name__)
    monkeypatch.setattr(hub_module, "RECONNECT_SECONDS", 0.001)
    tries: list[Address] = []
    connect = ChannelSubscriber.connect

    async def counted(self: ChannelSubscriber, address: Address) -> None:
        tries.append(address)
        await connect(self, address)

    monkeypatch.setattr(ChannelSubscriber, "connect", counted)
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    hub = StreamHub(nowhere, RunLog(async_streams, event_log), heartbeat_seconds=60)
    async with asyncio.timeout(30), hub.running():
        await wait_until_async(lambda: len(tries) > 5)
        hub._address = Address.of_url(redis_url)
        await wait_until_async(lambda: hub.metrics.is_connected)
    told = [record.message for record in caplog.records if record.name == hub_module.__name__]
    assert [line.partition(",")[0] for line in told] == ["live channel down", "live channel up again"]
