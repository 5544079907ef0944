"""Blocking calls on purpose in a watched process: is each named, with its route and its line?"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2
from tests.proofs.loop.loop_notes import LoopNotes, place_of
from tests.support.blocking_app import BLOCKERS, blocked_line
from tests.support.waiting import wait_until

REAL_ROUTE = "GET /api/v1/account/me"
PLANTED_SLEEP = ".planted_sleep"
TURNS = 3
"""A call that never lets the interpreter go is seen at its end only, which a busy machine may miss."""
PATIENCE_SECONDS = 2.0


def plant_all(http: httpx2.Client, notes_path: Path) -> dict[str, bool]:
    """Call every planted route, and one real route that was made to block; which of them were named, by their lines."""
    plant_into(http, REAL_ROUTE)
    lines = {f"GET /planted/{name}": f":{blocked_line(name)} in {name}" for name in BLOCKERS}
    lines[REAL_ROUTE] = PLANTED_SLEEP

    def is_named(route: str, line: str) -> bool:
        return names(LoopNotes.read(notes_path), http.get("/-/loop").json()["worst"], route, line)

    return {
        route: _ask_until(http, route, lambda route=route, line=line: is_named(route, line))
        for route, line in lines.items()
    }


def plant_into(http: httpx2.Client, route: str) -> None:
    """From now on this route of the watched process blocks, for a millisecond each time."""
    http.post("/planted", params={"route": route}).raise_for_status()


def names(notes: LoopNotes, stalls: Sequence[Mapping[str, Any]], route: str, line: str) -> bool:
    """Whether a blocking call or a stall was seen in a request to that route, at a line that ends so."""
    seen = [(call.route, call.line) for call in notes.blocking_calls]
    seen += [(place_of(stall), stall["line"]) for stall in stalls]
    return any(where == route and there.endswith(line) for where, there in seen)


def _ask_until(http: httpx2.Client, route: str, is_named: Callable[[], bool]) -> bool:
    method, _, path = route.partition(" ")
    for _ in range(TURNS):
        http.request(method, path)
        try:
            return bool(wait_until(is_named, PATIENCE_SECONDS))
        except TimeoutError:
            continue
    return False
