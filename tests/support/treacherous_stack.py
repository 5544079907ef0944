"""A loop whose stack grows and shrinks, and whose rubbish lets other threads run while it is collected.

Two threads look at the stack all the while. Prints how often they did; a look that is not made at once crashes Python.
"""

import asyncio
import gc
import sys
import threading

from starlette.types import Scope

from riverrun.infra.loop_stack import boundary_of_this_loop, callback_frames, calls_in, without_collections

LOOKS = 100_000
LOOKERS = 2


class Rubbish:
    """Garbage that takes its time to go."""

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        for _ in range(300):
            pass


def go_deep(depth: int, scope: Scope) -> None:
    held = [depth]
    if depth:
        held = [depth]
        go_deep(depth - 1, scope)
        del held
    else:
        for _ in range(3):
            Rubbish()


async def wait_deep(depth: int, scope: Scope) -> None:
    if depth:
        await wait_deep(depth - 1, {**scope})
    else:
        go_deep(40, scope)
        await asyncio.sleep(0)


async def be_busy(depth: int, is_over: threading.Event) -> None:
    while not is_over.is_set():
        await wait_deep(depth, {"type": "http"})
        go_deep(300, {"type": "http"})


async def main() -> None:
    sys.setswitchinterval(1e-6)
    gc.set_threshold(50, 2, 2)
    boundary, thread_id, is_over = boundary_of_this_loop(), threading.get_ident(), threading.Event()
    looks = [0] * LOOKERS

    def look(number: int) -> None:
        while looks[number] < LOOKS:
            with without_collections():
                frames = callback_frames(thread_id, boundary)
                assert all(call.scope["type"] == "http" for call in calls_in(frames))
                del frames
            looks[number] += 1
        if min(looks) == LOOKS:
            is_over.set()

    threads = [threading.Thread(target=look, args=(number,)) for number in range(LOOKERS)]
    for thread in threads:
        thread.start()
    await asyncio.gather(*[be_busy(20 * depth, is_over) for depth in range(5)])
    for thread in threads:
        thread.join()
    print(sum(looks))


if __name__ == "__main__":
    asyncio.run(main())
