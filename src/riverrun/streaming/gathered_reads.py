"""Many readers' reads as few: what is asked for within one turn of the loop leaves together, and equal reads once.

After a lost connection every reader of the process reads at the same moment; a round trip each would cost more than
the events do.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator, Sequence

from riverrun.streaming.commands import Place, Stretch

READ_AT_ONCE = 16
"""Places a round trip: its whole answer is decoded in one go, and must not hold the loop."""


class GatheredReads:
    """Asks ``read_all`` for the stretches after many places at a time, in their order."""

    def __init__(self, read_all: Callable[[Sequence[Place]], Awaitable[Sequence[Stretch]]]) -> None:
        self._read_all = read_all
        self._waiting: dict[Place, asyncio.Future[Stretch]] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    async def read_after(self, place: Place) -> Stretch:
        """What follows ``place``, read after this call: an earlier read's answer is never shared.

        Raises:
            Exception: what ``read_all`` raised, for all whose reads left together.
        """
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._send_off)
        answer = self._waiting.get(place)
        if answer is None:
            answer = self._waiting[place] = loop.create_future()
        return await asyncio.shield(answer)  # whoever leaves must not take the answer from the others

    def _send_off(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for some in _portions(waiting):
            task = asyncio.get_running_loop().create_task(self._read(some))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _read(self, asked: dict[Place, "asyncio.Future[Stretch]"]) -> None:
        try:
            stretches = await self._read_all(list(asked))
        except Exception as error:
            for answer in asked.values():
                answer.set_exception(error)
                answer.exception()  # it is no news if nobody waits any more
        else:
            for answer, stretch in zip(asked.values(), stretches, strict=True):
                answer.set_result(stretch)
        finally:
            for answer in asked.values():
                answer.cancel()  # without effect on those that were answered


def _portions(
    waiting: dict[Place, "asyncio.Future[Stretch]"],
) -> Iterator[dict[Place, "asyncio.Future[Stretch]"]]:
    pairs = iter(waiting.items())
    while portion := dict(itertools.islice(pairs, READ_AT_ONCE)):
        yield portion
