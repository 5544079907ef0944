"""How an arm performs a driver's blocking call from a coroutine."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

THREADS = 40
"""As many as Starlette's own pool has, so that the arm is no straw man: asyncio's default is the cores and four."""

Way = Callable[..., Awaitable[Any]]


async def inline(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """On the loop, which stands still meanwhile."""
    return function(*args, **kwargs)


async def in_thread(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """By ``asyncio.to_thread``, on the loop's default pool."""
    return await asyncio.to_thread(function, *args, **kwargs)


def widen_default_pool() -> None:
    """Give the running loop's default pool as many threads as Starlette's has."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))


WAYS: dict[str, Way] = {"blocking": inline, "threads": in_thread}
