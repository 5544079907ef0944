"""``python -m tests.chaos.mutants NAME api ...``: Riverrun with one of its guards taken out, or whole when NAME is empty.

All get what the checks need: the agent has a tool with an effect, and the loop's watchdog looks every millisecond or two.

The patches live here alone; the product has no door for them. Each proves that the checks see the guard's absence.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

from riverrun.infra import loop_watchdog

LOOK_SECONDS = 0.001

MUTANTS: dict[str, Callable[[], None]] = {}


def mutant(patch: Callable[[], None]) -> Callable[[], None]:
    MUTANTS[patch.__name__] = patch
    return patch


@mutant
def without_gap_read() -> None:
    """A frame that does not follow the last one is taken as if it did."""
    from riverrun.streaming.events import Event

    Event.continues = lambda self, position: self.position > position  # type: ignore[method-assign]


@mutant
def without_watchdog() -> None:
    """Nobody compares tops."""
    from riverrun.streaming.hub import StreamHub

    async def look_away(self: StreamHub, topics: Any) -> None:
        return

    StreamHub._catch_up = look_away  # type: ignore[method-assign]


@mutant
def without_fence() -> None:
    """An attempt that was taken over goes on as if it held the run, in Postgres and in Redis."""
    from riverrun.runs import statements
    from riverrun.runs.models import Run
    from riverrun.streaming import redis_streaming

    statements.holds = lambda lease: Run.id == lease.run_id
    redis_streaming.APPEND_SCRIPT = redis_streaming.APPEND_SCRIPT.replace("return 'FENCED'", "return 'KNOWN'")


@mutant
def without_ledger() -> None:
    """A tool's call is made whether or not an earlier attempt made it."""
    from riverrun.conversations.tool_ledger import ToolLedger

    ToolLedger.begin = lambda self, effect_id, tool: None  # type: ignore[method-assign]


@mutant
def without_short_callbacks() -> None:
    """Each request computes on the loop for 60 ms."""
    from riverrun.infra.request_context import RequestContext

    serve = RequestContext.__call__

    async def compute_and_serve(self: RequestContext, *asgi: Any) -> None:
        until = time.thread_time() + 0.06
        while time.thread_time() < until:
            pass
        await serve(self, *asgi)

    RequestContext.__call__ = compute_and_serve  # type: ignore[method-assign]


def look_closely() -> None:
    """Let the watchdog of the loop miss no more than a few milliseconds of a callback."""
    loop_watchdog.LOOK_SECONDS = loop_watchdog.CLOSE_LOOK_SECONDS = LOOK_SECONDS
    sys.setswitchinterval(LOOK_SECONDS)


def main() -> None:
    name = sys.argv.pop(1)
    process = sys.argv[1]
    if process == "worker":
        from tests.chaos.effect_tool import give_it_to_the_agent

        give_it_to_the_agent()
    else:
        look_closely()
    if name:
        MUTANTS[name]()
    from riverrun.__main__ import main as run

    run()


if __name__ == "__main__":
    main()
