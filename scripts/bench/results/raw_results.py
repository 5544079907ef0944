"""The JSON files that benchmarks left in a folder."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.ratios import Ratio
from bench.report import Report

Figures = Mapping[str, Any]
"""What was seen of one arm at one level."""


@dataclass(frozen=True, slots=True)
class RawResult:
    """One script's file. ``is_smoke`` ones prove that all works: their figures mean nothing."""

    benchmark: str
    environment: Mapping[str, Any] = field(default_factory=dict)
    arms: Mapping[str, Mapping[str, Figures]] = field(default_factory=dict)
    ratios: tuple[Ratio, ...] = ()
    void: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    is_smoke: bool = False
    took_seconds: float | None = None
    lines: tuple[str, ...] = ()
    """What a proof said, which is no benchmark."""

    @property
    def scenarios(self) -> list[str]:
        """Names of the requests that were played on levels, in the order in which they were."""
        names = (level.rpartition("@") for levels in self.arms.values() for level in levels)
        return list(dict.fromkeys(name for name, at, count in names if at and count.isdigit()))

    def levels(self, arm: str, scenario: str) -> dict[int, Figures]:
        """An arm's figures by how many asked at once, the fewest first."""
        found = {
            int(level.removeprefix(f"{scenario}@")): figures
            for level, figures in self.arms.get(arm, {}).items()
            if level.startswith(f"{scenario}@")
        }
        return dict(sorted(found.items()))

    def ratio(self, number: str, name: str | None = None) -> Ratio | None:
        """The first of a number, and of a name where many have the number."""
        named = (one for one in self.ratios if one.id == number and name in (None, one.name))
        return next(named, None)

    def void_at(self, scenario: str) -> str:
        """Why the figures of these requests are worthless; nothing when they are not."""
        mine = (f"{scenario}@", f"{scenario}:")
        return "; ".join(reason for reason in self.void if reason.startswith(mine))

    def report(self) -> Report:
        """As the benchmark itself had it."""
        arms = {
            name: {level: dict(figures) for level, figures in at.items()} for name, at in self.arms.items()
        }
        return Report(self.benchmark, self.is_smoke, dict(self.environment), arms, list(self.ratios))


def read_results(folder: Path) -> dict[str, RawResult]:
    """All of a folder, by the benchmark's name.

    Raises:
        ValueError: a file is no result of a benchmark; it is named.
    """
    return {result.benchmark: result for result in map(read_result, sorted(folder.glob("*.json")))}


def read_result(path: Path) -> RawResult:
    """One file."""
    try:
        given = json.loads(path.read_text())
        return RawResult(
            benchmark=given["benchmark"],
            environment=given["environment"],
            arms=given["arms"],
            ratios=tuple(_ratios(given["ratios"])),
            void=tuple(given.get("void", ())),
            failures=tuple(given.get("failures", ())),
            is_smoke=given.get("is_smoke", False),
            took_seconds=given.get("took_seconds"),
            lines=tuple(given.get("lines", ())),
        )
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is no result of a benchmark ({error!r}): take it away") from error


def _ratios(given: list[dict[str, Any]]) -> Iterator[Ratio]:
    for one in given:
        kept = {name: value for name, value in one.items() if name != "met"}
        if kept["ci95"] is not None:
            kept["ci95"] = tuple(kept["ci95"])
        yield Ratio(**kept)
