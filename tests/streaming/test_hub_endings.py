"""A hub that ends does so at once, in whatever its watchdog is about."""

import asyncio
import contextlib

import pytest

from riverrun.kit.ids import new_uuid
from riverrun.runs.event_log import AsyncEventLog
from riverrun.streaming import hub as hub_module
from riverrun.streaming.hub import StreamHub
from riverrun.streaming.redis_streaming import AsyncRedisStreamManager
from riverrun.streaming.run_log import RunLog

OPEN_RUNS = 40
ENDINGS = 25


async def test_a_hub_ends_while_its_watchdog_reads(
    redis_url: str,
    async_streams: AsyncRedisStreamManager,
    event_log: AsyncEventLog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A driver that is just done may swallow the word to end; the next look must not begin then."""
    monkeypatch.setattr(hub_module, "WATCH_SECONDS", 0.02)
    for ending in range(ENDINGS):
        hub = StreamHub(redis_url, RunLog(async_streams, event_log), heartbeat_seconds=60)
        async with asyncio.timeout(15):
            async with hub.running():
                with contextlib.ExitStack() as readers:
                    for _ in range(OPEN_RUNS):
                        readers.enter_context(hub.attach(new_uuid()))
                    await asyncio.sleep(0.05 + ending * 0.004)
