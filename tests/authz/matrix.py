"""The matrix: what the rules expect of each cell, and what the running application answers."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from celery import Celery
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from sqlalchemy import Engine
from tests.authz.calls import CALLS, Call, path_values, variant_values
from tests.authz.principals import People, make_people
from tests.authz.rows import Rows, plant, uproot

RULES_FILE = Path(__file__).with_name("matrix.toml")
PREFIXES = {"v1": "/api/v1", "v2": "/api/v2", "plain": ""}
VERSIONS = {"both": ("v1", "v2"), "v1": ("v1",), "v2": ("v2",), "plain": ("plain",)}
LOOKING = {
    "POST /search",
    "POST /parsing-status",
    "POST /conversations/{conversation_id}/resume/{session_id}",
}
"""What a key with the scope read may POST: it changes nothing."""
GUESTS = ("link", "closed_link")
VARYING_HEADERS = {"date", "x-request-id"}


@dataclass(frozen=True)
class Cell:
    """A principal at a route. ``route`` is the method and the path below the version's prefix, maybe with ``#variant``."""

    version: str
    route: str
    rule: str
    principal: str
    expected: str

    def __str__(self) -> str:
        method, path = self.route.split(" ", 1)
        where = path if method == "TASK" else PREFIXES[self.version] + path
        return f"{method} {where} by {self.principal}"

    @property
    def changes(self) -> bool:
        """Whether it uses up, when it succeeds, what others ask about."""
        return not self.route.startswith(("GET /", "TASK ")) or self.route == "GET /sign-in"


@dataclass(frozen=True)
class Answer:
    """What came back, as the rules speak of it; and what was wrong with it beyond that."""

    outcome: str
    fault: str = ""


class Rules:
    """``matrix.toml``."""

    def __init__(self, text: str) -> None:
        written = tomllib.loads(text)
        self.principals: Sequence[str] = list(written["principals"])
        self.names: Sequence[str] = list(written["rules"])
        self.tasks: Mapping[str, str] = written["tasks"]
        self._doors: Mapping[str, Mapping[str, str]] = written["doors"]
        self._rules: Mapping[str, Mapping[str, Any]] = written["rules"]
        self._routes: Mapping[str, Mapping[str, str]] = written["routes"]

    @classmethod
    def load(cls) -> "Rules":
        return cls(RULES_FILE.read_text())

    def routes(self) -> Iterator[tuple[str, str, str]]:
        """``(version, route, rule)`` of each row, tasks last."""
        for section, versions in VERSIONS.items():
            for route, rule in self._routes[section].items():
                for version in versions:
                    yield version, route, rule
        for task, rule in self.tasks.items():
            yield "v1", f"TASK {task}", rule

    def cells(self) -> Iterator[Cell]:
        for version, route, named in self.routes():
            rule, _, silent = named.partition(" ")
            for principal in self.principals:
                expected = self.expected(version, route, rule, principal)
                if silent and expected == "shown":
                    expected = "ok"
                yield Cell(version, route, rule, principal, expected)

    def expected(self, version: str, route: str, rule: str, principal: str) -> str:
        """What must come back: by the door first, then by the rule."""
        written = self._rules[rule]
        if written.get("doors", True):
            if (refusal := self._doors.get(version, {}).get(principal)) is not None:
                return refusal
            if principal == "read_key":
                is_looking = route.startswith("GET ") or route in LOOKING
                return self.expected(version, route, rule, "owner") if is_looking else "403"
        outcome = written.get(principal)
        if outcome is None and principal in GUESTS:
            outcome = written.get("guest")
        return str(outcome or written["all"])


def routes_of(app: FastAPI) -> set[str]:
    """``METHOD /path`` of all that the application answers, hidden or not, wherever it is included or mounted."""
    found = set()
    for context in iter_route_contexts(app.routes):
        route = context.starlette_route if hasattr(context, "starlette_route") else None
        path, methods = context.path, context.methods or ()
        assert path, f"{context} ({route}) has no path: the matrix does not know how to reach it"
        assert methods, f"{path} is no plain route: the matrix does not know how to reach it"
        found |= {f"{method} {path}" for method in methods if method != "HEAD"}
    return found


def tasks_of(celery: Celery) -> set[str]:
    """The names of our own tasks that a worker offers."""
    return {name for name in celery.tasks if name.startswith("riverrun.")}


class Matrix:
    """Asks a serving application, cell by cell, about rows that are made anew as soon as an answer may have changed them."""

    def __init__(self, client: httpx2.AsyncClient, engine: Engine, people: People | None = None) -> None:
        self._client = client
        self._engine = engine
        self._people = people or make_people(engine)
        self._rows = plant(engine, self._people)

    async def ask(self, cell: Cell) -> Answer:
        """The cell's outcome. A 404 is compared with that of an unknown id."""
        rows = self._rows
        response = await self._send(cell, rows)
        answer = Answer(outcome_of(response, rows.canary), fault_of(response, rows.canary))
        if answer.outcome == "404" and cell.rule != "nothing_there":
            unknown = await self._send(cell, rows.strangers_view())
            answer = Answer("404", answer.fault or difference_of(response, unknown))
        if response.status_code < 400 and cell.changes:
            uproot(self._engine, self._people, rows)
            self._rows = plant(self._engine, self._people)
        return answer

    async def _send(self, cell: Cell, rows: Rows) -> httpx2.Response:
        request = self._request(cell, rows)
        async with self._client.stream(**request) as response:
            await response.aread()
        self._client.cookies.clear()  # else a door that one has opened stands open for all who come after
        return response

    def _request(self, cell: Cell, rows: Rows) -> dict[str, Any]:
        if cell.route.startswith("TASK "):
            method, template, call = "GET", f"/runs/{rows.task_id}", Call()
        else:
            method, template = cell.route.partition(" #")[0].split(" ", 1)
            call = CALLS.get(cell.route) or CALLS.get(f"{method} {template}") or Call()
        values = path_values(template, rows)
        values |= variant_values(cell.route, rows)
        path = re.sub(r"\{([^}]+)\}", lambda found: values[found[1]], template)
        headers = self._people.headers(cell.principal, cell.version, rows.links, str(self._client.base_url))
        if call.spends_token and "authorization" in headers:
            headers["authorization"] = f"Bearer {rows.spare_token}"
        return {
            "method": method,
            "url": PREFIXES[cell.version] + path,
            "params": call.query(rows, self._people),
            "json": call.body(rows, self._people),
            "headers": headers,
        }


def outcome_of(response: httpx2.Response, canary: str) -> str:
    """The answer in the rules' words."""
    if response.status_code >= 400:
        return str(response.status_code)
    return "shown" if canary in response.text else "ok"


def fault_of(response: httpx2.Response, canary: str) -> str:
    """A refusal that tells what it refuses."""
    told = canary in response.text or any(canary in value for value in response.headers.values())
    return "the refusal holds the owner's words" if response.status_code >= 400 and told else ""


def difference_of(theirs: httpx2.Response, unknown: httpx2.Response) -> str:
    """In what somebody else's row and an unknown one answer differently; empty: in nothing."""
    if theirs.status_code != unknown.status_code:
        return f"{theirs.status_code} where an unknown id is {unknown.status_code}"
    if theirs.content != unknown.content:
        return "another body than an unknown id's"
    if _told(theirs) != _told(unknown):
        return "other headers than an unknown id's"
    return ""


def _told(response: httpx2.Response) -> list[tuple[str, str]]:
    return [(name, value) for name, value in response.headers.multi_items() if name not in VARYING_HEADERS]
