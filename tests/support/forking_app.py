"""An application whose watched process forks in the middle of a request; parent and child then block their loops once each."""

import asyncio
import os
import time
from typing import Any

from starlette.types import Receive, Scope, Send

from riverrun.infra.eventloop_monitor import EventLoopMonitor

BLOCK_SECONDS = 0.4


async def block(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/block":
        time.sleep(BLOCK_SECONDS)  # noqa: ASYNC251  (what the watch is to find)


monitor = EventLoopMonitor(block)


async def request(path: str) -> None:
    async def nothing(*_: Any) -> None:
        pass

    await monitor({"type": "http", "method": "GET", "path": path}, nothing, nothing)


async def block_once(who: str) -> None:
    await request("/block")
    await asyncio.to_thread(monitor.join)
    print(who, monitor.report.stalls, flush=True)


async def fork_and_block() -> None:
    await request("/quick")
    if child := os.fork():
        await asyncio.to_thread(os.waitpid, child, 0)
        await block_once("parent")
        return
    try:
        asyncio._set_running_loop(None)
        asyncio.new_event_loop().run_until_complete(block_once("child"))
    finally:
        os._exit(0)


if __name__ == "__main__":
    asyncio.run(fork_and_block())
