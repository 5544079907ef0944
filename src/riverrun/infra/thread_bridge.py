"""The only door from the event loop to threads: named, bounded, counted. For what has no async form at all."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from riverrun.kit.problem import TryAgainLater

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

THREADS = 4


class ThreadBridge:
    """Runs a blocking function beside the loop; more than ``threads`` at once wait their turn.

    With ``most_waiting`` only so many do: whoever comes then is sent away at once.
    """

    def __init__(
        self, threads: int = THREADS, *, name: str = "riverrun-bridge", most_waiting: int | None = None
    ) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._most_under_way = None if most_waiting is None else threads + most_waiting
        self.under_way = 0
        self.calls = 0

    async def run(
        self, function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Result:
        """The function's result, or its error.

        Raises:
            TryAgainLater: too many wait already.
        """
        if self._most_under_way is not None and self.under_way >= self._most_under_way:
            raise TryAgainLater("Too many ask for this at once. Nothing was lost.")
        self.calls += 1
        self.under_way += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, lambda: function(*args, **kwargs))
        finally:
            self.under_way -= 1

    def close(self) -> None:
        """Let running calls end, take no more."""
        self._pool.shutdown(wait=False, cancel_futures=True)
