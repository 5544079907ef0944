"""How much is done between two turns of the loop: what is done in portions leaves it to others in between."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any, Self


class LoopTurns:
    """Counts calls by the turn of the loop in which they are made, while a task of its own looks at each turn."""

    def __init__(self) -> None:
        self._number = 0
        self._calls: Counter[int] = Counter()

    async def __aenter__(self) -> Self:
        self._looking = asyncio.create_task(self._look())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._looking.cancel()

    @property
    def calls(self) -> int:
        """How many there were."""
        return self._calls.total()

    @property
    def most_in_one(self) -> int:
        """The most of them within one turn."""
        return max(self._calls.values(), default=0)

    def counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """``call``, counted."""

        def count(*args: Any, **options: Any) -> Any:
            self._calls[self._number] += 1
            return call(*args, **options)

        return count

    async def _look(self) -> None:
        while True:
            self._number += 1
            await asyncio.sleep(0)
