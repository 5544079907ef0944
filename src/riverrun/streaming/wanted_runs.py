"""Which runs one connection is to follow, and from where: read out of a request."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from riverrun.streaming.cursor import FORM, Cursor
from riverrun.streaming.errors import MalformedCursor

MAX_RUNS = 64
"""One tab's; each costs a look into the record when the stream is opened."""
LEFT = "x"
"""Instead of a position: the reader was told why it cannot follow this run, and need not hear it again."""
START = "0-0"
PLACE_FORM = f"({LEFT}|{FORM})"
WANTED_FORM = f"^[0-9a-fA-F]{{8}}(-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}}(@{PLACE_FORM}?)?$"
VECTOR_FORM = f"^({PLACE_FORM}(,{PLACE_FORM})*)?$"
"""How the API's document describes what is read here."""


class WantedRun(NamedTuple):
    """A run and the last event the client has of it. ``cursor`` is none for a run that was left."""

    run_id: UUID
    given: str
    """The position as the client spelled it."""
    cursor: Cursor | None


def parse_wanted(texts: Sequence[str], vector: str | None) -> list[WantedRun]:
    """Read ``<run_id>`` or ``<run_id>@<position>`` of each run, in order.

    ``vector`` is an event's id of such a stream, one position for each run: it wins over those beside the runs.

    Raises:
        MalformedCursor: no run, too many, one twice, or a position that cannot be read.
    """
    if not 0 < len(texts) <= MAX_RUNS:
        raise MalformedCursor(f"name 1 to {MAX_RUNS} runs, each as run=<run_id>@<position>")
    pairs = [(head, position) for head, _, position in (text.partition("@") for text in texts)]
    wanted = [_wanted(head, position or START) for head, position in pairs]
    if vector:
        positions = vector.split(",")
        if len(positions) != len(pairs):
            raise MalformedCursor(f"{vector[:80]!r} has not one position for each of the {len(pairs)} runs")
        wanted = [
            _wanted(head, position or START) for (head, _), position in zip(pairs, positions, strict=True)
        ]
    if len({one.run_id for one in wanted}) < len(wanted):
        raise MalformedCursor("a run is named twice")
    return wanted


def _wanted(head: str, position: str) -> WantedRun:
    try:
        run_id = UUID(head)
    except ValueError:
        raise MalformedCursor(f"{head[:80]!r} is no run's id") from None
    return WantedRun(run_id, position, None if position == LEFT else Cursor.parse(position))
