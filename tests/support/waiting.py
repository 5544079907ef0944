"""Waiting for something to become true, instead of sleeping and hoping."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any

POLL_SECONDS = 0.01


def wait_until(condition: Callable[[], Any], timeout_seconds: float = 20.0, *, what: str = "") -> Any:
    """The first true value of the condition. Raises ``TimeoutError`` naming ``what`` when none comes in time."""
    deadline = time.monotonic() + timeout_seconds
    while not (value := condition()):
        if time.monotonic() >= deadline:
            raise TimeoutError(f"waited {timeout_seconds} s in vain for {what or describe(condition)}")
        time.sleep(POLL_SECONDS)
    return value


async def wait_until_async(
    condition: Callable[[], Any | Awaitable[Any]], timeout_seconds: float = 20.0, *, what: str = ""
) -> Any:
    """The same on the event loop; the condition may be a coroutine function."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        if time.monotonic() >= deadline:
            raise TimeoutError(f"waited {timeout_seconds} s in vain for {what or describe(condition)}")
        await asyncio.sleep(POLL_SECONDS)


def describe(condition: Callable[[], Any]) -> str:
    """A lambda's own source says best what was waited for."""
    try:
        return inspect.getsource(condition).strip()
    except (OSError, TypeError):
        return repr(condition)
