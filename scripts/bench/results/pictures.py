"""Which pictures belong to a result: latency by concurrency, the loop's lag over time, capacity."""

import re
from collections.abc import Iterator, Mapping
from statistics import median

from bench.results.raw_results import RawResult
from bench.results.svg_chart import Bar, Line, Panel, draw

DRAWN = ("blocking", "threads", "plan", "riverrun", "raw")
"""The arms, in the order of the plan; the twin of the product is not drawn."""
BEST = re.compile(r"^(\d+) streams, round \d+$")
LEAST_LAG_MS = 0.1
"""A loop that was never late has a lag of zero, which a logarithmic axis does not know."""


def pictures_of(result: RawResult) -> dict[str, str]:
    """SVG by file name."""
    panels = {
        "latency": [panel for name in result.scenarios if (panel := latency_panel(result, name)).lines],
        "lag": [panel for name in result.scenarios if (panel := lag_panel(result, name)).lines],
        "capacity": list(capacity_panels(result)),
    }
    return {f"{result.benchmark}-{kind}.svg": draw(found) for kind, found in panels.items() if found}


def latency_panel(result: RawResult, scenario: str) -> Panel:
    """p95 of each arm at each level."""
    lines = []
    for arm in DRAWN:
        levels = result.levels(arm, scenario)
        points = [
            (float(count), at["p95_ms"]) for count, at in levels.items() if "p95_ms" in at and count > 1
        ]
        if points:
            lines.append(Line(arm, points))
    return Panel(scenario, "requests at once", "p95, ms", lines)


def lag_panel(result: RawResult, scenario: str) -> Panel:
    """How late the loop was at worst in each round, all levels one after the other."""
    lines = []
    for arm in DRAWN:
        if arm != "raw" and (points := list(_lags(result, arm, scenario))):
            lines.append(Line(arm, points))
    return Panel(scenario, "seconds under load", "loop's lag, ms", lines)


def _lags(result: RawResult, arm: str, scenario: str) -> Iterator[tuple[float, float]]:
    seconds = 0.0
    for count, figures in result.levels(arm, scenario).items():
        for one in figures.get("rounds", ()) if count > 1 else ():
            seconds += one["seconds"]
            yield seconds, max(one["worst_lag_ms"], LEAST_LAG_MS)


def capacity_panels(result: RawResult) -> Iterator[Panel]:
    """One for each number of open streams: the median of the rounds, and the least and most of them."""
    for streams, rates in best_rates(result).items():
        bars = [
            Bar(arm, median(rates[arm]), min(rates[arm]), max(rates[arm])) for arm in DRAWN if arm in rates
        ]
        yield Panel(f"{streams} streams open", "capacity by arm", "requests/s at p95 <= 100 ms", bars=bars)


def best_rates(result: RawResult) -> Mapping[int, dict[str, list[float]]]:
    """The greatest rate of each arm in each round, by how many streams were open."""
    found: dict[int, dict[str, list[float]]] = {}
    for arm, levels in result.arms.items():
        for level, figures in levels.items():
            if (named := BEST.match(level)) and "rate" in figures:
                found.setdefault(int(named[1]), {}).setdefault(arm, []).append(figures["rate"])
    return dict(sorted(found.items(), reverse=True))
