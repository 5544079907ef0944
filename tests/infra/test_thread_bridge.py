"""The one door to threads: named, and bounded where that is asked for."""

import asyncio
import threading

import pytest
from tests.support.waiting import wait_until_async

from riverrun.infra.thread_bridge import ThreadBridge
from riverrun.kit.problem import TryAgainLater


async def test_what_a_function_returns_or_raises_comes_back() -> None:
    bridge = ThreadBridge(1, name="test-bridge")
    assert (await bridge.run(lambda: threading.current_thread().name)).startswith("test-bridge")
    with pytest.raises(ZeroDivisionError):
        await bridge.run(lambda: 1 // 0)
    assert bridge.calls == 2
    bridge.close()


async def test_who_comes_when_too_many_wait_is_sent_away_at_once() -> None:
    bridge, gate = ThreadBridge(1, most_waiting=1), threading.Event()
    busy = [asyncio.create_task(bridge.run(gate.wait)) for _ in range(2)]
    try:
        await wait_until_async(lambda: bridge.calls == 2)
        with pytest.raises(TryAgainLater):
            await bridge.run(gate.wait)
    finally:
        gate.set()
    assert await asyncio.gather(*busy) == [True, True]
    assert await bridge.run(gate.wait) is True
    bridge.close()
