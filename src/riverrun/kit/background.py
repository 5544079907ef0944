"""Work that goes on beside a block and ends with it, whatever swallows the word to end.

``asyncio.wait_for`` of Python 3.11, by which redis-py sends, returns its result and forgets the cancellation when both come
at once (fixed in 3.12). So the word is said again until it is heard.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from typing import Any

AGAIN_SECONDS = 0.2
"""After so long a task that goes on is told again; what it has to tidy up has so long for each step."""


@contextlib.asynccontextmanager
async def run_beside(*works: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run ``works`` until the block is left. One that fails ends the block and the others, as in a ``TaskGroup``."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work()) for work in works]
        try:
            yield
        finally:
            await end(tasks)


async def end(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel ``tasks`` until all are over. What they raise stays with them."""
    going_on = {task for task in tasks if not task.done()}
    while going_on:
        for task in going_on:
            task.cancel()
        _, going_on = await asyncio.wait(going_on, timeout=AGAIN_SECONDS)
