"""``python -m tests.chaos.mutants NAME api ...``: Riverrun with one of its guards taken out, or whole when NAME is empty.

The patches live here alone; the product has no door for them. Each proves that the checks see the guard's absence.
"""

import sys
from collections.abc import Callable
from typing import Any

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

    statements.holds = lambda run_id, attempt: Run.id == run_id
    redis_streaming.APPEND_SCRIPT = redis_streaming.APPEND_SCRIPT.replace("return 'FENCED'", "return 'KNOWN'")


def main() -> None:
    name = sys.argv.pop(1)
    if name:
        MUTANTS[name]()
    from riverrun.__main__ import main as run

    run()


if __name__ == "__main__":
    main()
