"""Taking the scope out of one place of the source, or asking for less than it asks: what the matrix must notice, each time."""

import ast
import contextlib
import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.auth import principal as principal_module
from riverrun.auth.grants import Right
from riverrun.conversations.models import Conversation
from riverrun.kit.problem import NotFound
from riverrun.parsing.models import Project
from riverrun.runs.models import Run

SOURCE = Path(__file__).parents[2] / "src"
NAMES = ("scoped", "get_scoped")


@dataclass(frozen=True)
class Site:
    """A call of ``scoped`` or ``get_scoped`` in the source."""

    module: str
    name: str
    first_line: int
    last_line: int

    def __str__(self) -> str:
        return f"{self.module}:{self.first_line} {self.name}"


def sites() -> list[Site]:
    """Every call there is, found by reading the source."""
    return [site for path in sorted((SOURCE / "riverrun").rglob("*.py")) for site in _sites_in(path)]


def _sites_in(path: Path) -> Iterator[Site]:
    module = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in NAMES:
            yield Site(module, node.func.id, node.lineno, node.end_lineno or node.lineno)


class Breach(StrEnum):
    """What is done to a site."""

    UNSCOPED = "unscoped"
    """It finds everybody's rows."""
    WEAKENED = "weakened"
    """To be let look is enough for it."""


class Scopes:
    """Watches every call, and breaches one site while it is told to."""

    def __init__(self) -> None:
        self.sites = sites()
        self._breached: Site | None = None
        self._breach = Breach.UNSCOPED
        self.seen: set[Site] = set()
        """Who was called since it was emptied last."""
        self.weakenable: set[Site] = set()
        """Sites that ask for more than a look at what may be shared."""

    @contextlib.contextmanager
    def watched(self) -> Iterator["Scopes"]:
        """Every call goes by us while the block lasts."""
        with contextlib.ExitStack() as stack:
            for module in {site.module for site in self.sites}:
                stack.enter_context(self._watch(import_module(module)))
            yield self

    @contextlib.contextmanager
    def breached(self, site: Site, breach: Breach) -> Iterator[None]:
        """The site is no guard, or a weaker one, while the block lasts."""
        self._breached, self._breach = site, breach
        try:
            yield
        finally:
            self._breached = None

    @contextlib.contextmanager
    def _watch(self, module: ModuleType) -> Iterator[None]:
        kept = {name: getattr(module, name) for name in NAMES if hasattr(module, name)}
        for name in kept:
            setattr(module, name, self._stand_in(module.__name__, name))
        try:
            yield
        finally:
            for name, function in kept.items():
                setattr(module, name, function)

    def _stand_in(self, module: str, name: str) -> Callable[..., Any]:
        whole, scopeless = WHOLE[name], SCOPELESS[name]
        signature = inspect.signature(whole)

        def stand_in(*args: Any, **kwargs: Any) -> Any:
            site = self._site_at(module, name, sys._getframe(1).f_lineno)
            given = signature.bind(*args, **kwargs)
            given.apply_defaults()
            self.seen.add(site)
            if given.arguments["model"] in SHARED and given.arguments["right"] is not Right.VIEW:
                self.weakenable.add(site)
            if site != self._breached:
                return whole(*args, **kwargs)
            if self._breach is Breach.WEAKENED:
                given.arguments["right"] = Right.VIEW
                return whole(*given.args, **given.kwargs)
            return scopeless(*args, **kwargs)

        return stand_in

    def _site_at(self, module: str, name: str, line: int) -> Site:
        here = [
            site
            for site in self.sites
            if site.module == module and site.name == name and site.first_line <= line <= site.last_line
        ]
        return min(here, key=lambda site: site.last_line - site.first_line)


def _all_rows(principal: Any, model: type[Any], right: Right = Right.OWN) -> Select[Any]:
    return select(model)


async def _any_row(
    session: AsyncSession,
    principal: Any,
    model: type[Any],
    row_id: UUID,
    right: Right = Right.OWN,
    *,
    lock: bool = False,
) -> Any:
    row = await session.scalar(select(model).where(model.id == row_id))
    if row is None:
        raise NotFound
    return row


WHOLE: dict[str, Callable[..., Any]] = {name: getattr(principal_module, name) for name in NAMES}
SCOPELESS: dict[str, Callable[..., Any]] = {"scoped": _all_rows, "get_scoped": _any_row}
SHARED = (Conversation, Project, Run)
"""Of which others may have rights."""
