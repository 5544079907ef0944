"""The only door from the event loop to threads: named, bounded, counted. For what has no async form at all."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

THREADS = 4


class ThreadBridge:
    """Runs a blocking function beside the loop; more than ``THREADS`` at once wait their turn."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="riverrun-bridge")
        self.calls = 0

    async def run(
        self, function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Result:
        """The function's result, or its error."""
        self.calls += 1
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: function(*args, **kwargs))

    def close(self) -> None:
        """Let running calls end, take no more."""
        self._pool.shutdown(wait=False, cancel_futures=True)
