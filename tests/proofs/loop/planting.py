"""Blocking calls on purpose in a watched process: is each named, with its route and its line?"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx2
from tests.proofs.loop.loop_notes import LoopNotes, place_of
from tests.support.blocking_app import BLOCKERS
from tests.support.waiting import wait_until

REAL_ROUTE = "GET /api/v1/account/me"
PLANTED_FUNCTION = "planted_sleep"
TURNS = 3
"""A call that never lets the interpreter go is seen at its end only, which a busy machine may miss."""
PATIENCE_SECONDS = 2.0
LAST_REQUEST = {"Connection": "close"}
"""The server closes a connection after an exception."""


def plant_all(http: httpx2.Client, notes_path: Path) -> dict[str, bool]:
    """Call every planted route, and one real route that was made to block; which of them were named."""

    def is_named(route: str, function: str) -> bool:
        stalls = http.get("/-/loop").json()["worst"]
        return names(LoopNotes.read(notes_path), stalls, route, function)

    caught = {}
    for name in BLOCKERS:
        route = f"GET /planted/{name}"
        caught[route] = _ask_until(http, route, lambda route=route, name=name: is_named(route, name))
    plant_into(http, REAL_ROUTE)
    caught[REAL_ROUTE] = _ask_until(http, REAL_ROUTE, lambda: is_named(REAL_ROUTE, PLANTED_FUNCTION))
    return caught


def plant_into(http: httpx2.Client, route: str) -> None:
    """From now on this route of the watched process blocks, for a millisecond each time."""
    http.post("/planted", params={"route": route}).raise_for_status()


def names(notes: LoopNotes, stalls: list[Mapping[str, Any]], route: str, function: str) -> bool:
    """Whether a blocking call or a stall was seen in that function, in a request to that route."""
    seen = [(call.route, call.line) for call in notes.blocking_calls]
    seen += [(place_of(stall), stall["line"]) for stall in stalls]
    return any(where == route and _function_of(line) == function for where, line in seen)


def _function_of(line: str) -> str:
    """``file:number in outer.<locals>.function``."""
    return line.rpartition(" in ")[2].rpartition(".")[2]


def _ask_until(http: httpx2.Client, route: str, is_named: Callable[[], bool]) -> bool:
    method, _, path = route.partition(" ")
    for _ in range(TURNS):
        http.request(method, path, headers=LAST_REQUEST)
        try:
            return bool(wait_until(is_named, PATIENCE_SECONDS))
        except TimeoutError:
            continue
    return False
