"""The whole proof: every cell, every route and task, and every scope taken out and weakened once."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from fastapi import FastAPI
from sqlalchemy import Engine
from tests.authz.matrix import PREFIXES, Answer, Cell, Matrix, Rules, routes_of, tasks_of
from tests.authz.site import open_matrix
from tests.authz.unscoped import Breach, Scopes, Site

from riverrun.infra.settings import Settings
from riverrun.main import create_app
from riverrun.worker import create_celery


@dataclass
class Report:
    """What was asked, and what was wrong."""

    cells: int = 0
    routes: int = 0
    without_row: Sequence[str] = ()
    without_route: Sequence[str] = ()
    wrong: list[str] = field(default_factory=list)
    unreached: list[Site] = field(default_factory=list)
    unnoticed: list[str] = field(default_factory=list)
    breaches: Counter[Breach] = field(default_factory=Counter)

    @property
    def faults(self) -> list[str]:
        """Everything that must not be, a line each."""
        return [
            *(f"no row in matrix.toml: {name}" for name in self.without_row),
            *(f"a row for nothing: {name}" for name in self.without_route),
            *self.wrong,
            *(f"no cell comes by {site}" for site in self.unreached),
            *(f"the matrix does not notice: {breach}" for breach in self.unnoticed),
        ]

    def __str__(self) -> str:
        return f"authz: cells={self.cells} wrong={len(self.wrong)} routes={self.routes}"


def compare_rows(rules: Rules, app: FastAPI, tasks: set[str]) -> tuple[list[str], list[str]]:
    """Routes and tasks without a row, and rows without a route or task."""
    named = {name_of(version, route) for version, route, _ in rules.routes()}
    there = routes_of(app) | {f"TASK {task}" for task in tasks}
    return sorted(there - named), sorted(named - there)


def name_of(version: str, route: str) -> str:
    """The route as the application names it."""
    method, path = route.partition(" #")[0].split(" ", 1)
    return f"{method} {path}" if method == "TASK" else f"{method} {PREFIXES[version]}{path}"


async def prove(settings: Settings, engine: Engine) -> Report:
    """Ask every cell; then breach each scope, and ask again those cells that come by it."""
    rules, app, scopes = Rules.load(), create_app(settings), Scopes()
    report = Report(routes=len(routes_of(app)))
    report.without_row, report.without_route = compare_rows(rules, app, tasks_of(create_celery(settings)))
    with scopes.watched():
        async with open_matrix(settings, engine, app) as matrix:
            passers_by = await _ask_all(matrix, rules, scopes, report)
            weakenable = sorted(scopes.weakenable, key=str)
            report.unreached = [site for site in scopes.sites if site not in passers_by]
            for breach, breached in ((Breach.UNSCOPED, scopes.sites), (Breach.WEAKENED, weakenable)):
                for site in breached:
                    report.breaches[breach] += 1
                    with scopes.breached(site, breach):
                        if not await _is_noticed(matrix, passers_by[site]):
                            report.unnoticed.append(f"{site} {breach}")
    return report


async def _ask_all(matrix: Matrix, rules: Rules, scopes: Scopes, report: Report) -> dict[Site, list[Cell]]:
    """Ask each cell once; which of them came by which site."""
    passers_by: dict[Site, list[Cell]] = defaultdict(list)
    for cell in rules.cells():
        scopes.seen.clear()
        answer = await matrix.ask(cell)
        report.cells += 1
        if (words := deviation(cell, answer)) is not None:
            report.wrong.append(words)
        for site in scopes.seen:
            passers_by[site].append(cell)
    return passers_by


async def _is_noticed(matrix: Matrix, cells: Sequence[Cell]) -> bool:
    """Whether one of the cells is not as it must be; those that must be refused are asked first."""
    for cell in sorted(cells, key=lambda cell: cell.expected in ("ok", "shown")):
        if deviation(cell, await matrix.ask(cell)) is not None:
            return True
    return False


def deviation(cell: Cell, answer: Answer) -> str | None:
    """What is wrong with the answer; none when it is as the rules have it."""
    if answer.outcome != cell.expected:
        return f"{cell}: {answer.outcome}, and must be {cell.expected}"
    return f"{cell}: {answer.fault}" if answer.fault else None
