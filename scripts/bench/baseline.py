"""A former run's figures, and what has become worse since."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.ratios import Ratio
from bench.report import SYNC_ARMS, Report
from bench.results.raw_results import RawResult, read_result
from bench.round_bootstrap import FEWEST_ROUNDS


@dataclass(slots=True)
class Comparison:
    """How many figures both runs have; of these what is worse now, and what could not be compared, and why."""

    compared: int = 0
    worse: list[str] = field(default_factory=list)
    not_compared: list[str] = field(default_factory=list)


def read_baseline(path: Path, benchmark: str) -> RawResult:
    """The benchmark's former run.

    Raises:
        ValueError: there is none.
    """
    try:
        former = read_result(path)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    if former.benchmark != benchmark:
        raise ValueError(f"{path} is of the benchmark {former.benchmark}, not of {benchmark}")
    if former.is_smoke:
        raise ValueError(f"{path} is of a smoke run, whose figures mean nothing")
    return former


def compare_with(former: RawResult, report: Report) -> Comparison:
    """Worse are levels with errors, but for those of the sync arms; and each p95, and each ratio with a target, whose interval lies
    wholly on the worse side of the former one's.
    """
    found = Comparison()
    for arm, levels in report.arms.items():
        for level, now in levels.items():
            if now.get("errors") and arm not in SYNC_ARMS:
                found.worse.append(f"{arm}, {level}: {now['errors']} errors")
            if "p95_ci95_ms" in now:
                _compare_level(f"{arm}, {level}", former.arms.get(arm, {}).get(level, {}), now, found)
    known = {(ratio.id, ratio.name): ratio for ratio in former.ratios}
    for ratio in report.ratios:
        # The others are of arms that nobody improves.
        if ratio.target is not None and (before := known.get((ratio.id, ratio.name))):
            _compare_ratio(before, ratio, found)
    return found


def _compare_level(where: str, before: Mapping[str, Any], now: Mapping[str, Any], found: Comparison) -> None:
    if "p95_ms" not in before:
        found.not_compared.append(f"{where}: the baseline has no such level")
    elif (rounds := min(_rounds(before), _rounds(now))) < FEWEST_ROUNDS:
        found.not_compared.append(f"{where}: too few rounds to compare: {rounds}; at least {FEWEST_ROUNDS}")
    else:
        found.compared += 1
        low, _ = _edges(now["p95_ci95_ms"], now["p95_ms"])
        _, high = _edges(before.get("p95_ci95_ms"), before["p95_ms"])
        if low > high:
            found.worse.append(f"{where}: p95 {now['p95_ms']:.2f} ms, was {before['p95_ms']:.2f} ms")


def _compare_ratio(before: Ratio, now: Ratio, found: Comparison) -> None:
    if now.ci95 is None:
        found.not_compared.append(f"benchmark {now.id}, {now.name}: without an interval")
        return
    found.compared += 1
    low, high = now.ci95
    least, most = _edges(before.ci95, before.value)
    if low > most if now.bound == "<=" else high < least:
        found.worse.append(f"benchmark {now.id}, {now.name}: {now.value:.3g}, was {before.value:.3g}")


def _rounds(figures: Mapping[str, Any]) -> int:
    """How many there were. Former files do not say so of somebody else's server: they are taken for enough."""
    looked_at = len(figures.get("rounds", ()))
    return int(figures.get("round_count", looked_at or FEWEST_ROUNDS))


def _edges(between: tuple[float, float] | None, value: float) -> tuple[float, float]:
    """Of an interval; of a figure that came without one the figure itself."""
    return between or (value, value)
