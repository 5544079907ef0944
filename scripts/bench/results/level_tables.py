"""What was seen of one endpoint, as Markdown."""

from collections.abc import Iterator

from bench.results.claims import AFTER, CLAIMS, verdict_of
from bench.results.raw_results import Figures, RawResult

NAMES = {
    "blocking": "before: `blocking`",
    "threads": "`threads`",
    "plan": "`plan`",
    "riverrun": "**`riverrun`**",
    "riverrun again": "`riverrun`, its twin",
    "raw": "`raw`, the bound",
}
HEAD = (
    "| arm | at once | p50, ms | p95, ms | p99, ms | requests/s | loop blocked, ms | worst lag, ms | threads | errors |",
    "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
)


def endpoint_section(result: RawResult, scenario: str) -> Iterator[str]:
    """The highest level in sight, the others folded, the promises below."""
    yield f"#### {scenario}"
    yield ""
    yield from table(result, scenario, only_highest=True)
    yield ""
    yield "<details><summary>all levels</summary>"
    yield ""
    yield from table(result, scenario, only_highest=False)
    yield ""
    yield "</details>"
    yield ""
    yield from promises(result, scenario)


def table(result: RawResult, scenario: str, *, only_highest: bool) -> Iterator[str]:
    """One row an arm and level."""
    yield from HEAD
    for arm in (*NAMES, *(name for name in result.arms if name not in NAMES)):
        levels = result.levels(arm, scenario)
        for count in list(levels)[-1:] if only_highest else levels:
            yield row(NAMES.get(arm, f"`{arm}`"), count, levels[count])


def row(name: str, count: int, figures: Figures) -> str:
    """A figure that is not there is a dash."""
    latencies = [number(figures.get(f"p{percent}_ms"), 2) for percent in (50, 95, 99)]
    if edges := figures.get("p95_ci95_ms"):
        latencies[1] += f" [{number(edges[0], 2)} .. {number(edges[1], 2)}]"
    speed = number(figures.get("requests_per_second"), 0)
    loop = [number(figures.get(name), 1) for name in ("blocked_ms", "worst_lag_ms")]
    errors = figures.get("errors", 0)
    wrong = f"🔴 **{errors}**" if errors else "0"
    cells = [name, str(count), *latencies, speed, *loop, number(figures.get("threads"), 0), wrong]
    return f"| {' | '.join(cells)} |"


def number(value: float | None, digits: int) -> str:
    """With commas between thousands."""
    return "-" if value is None else f"{value:,.{digits}f}"


def promises(result: RawResult, scenario: str) -> Iterator[str]:
    """Each promise of the plan at this endpoint, for the plan's form and for the product."""
    yield f"| promise, against before | {' | '.join(f'`{arm}`' for arm in AFTER)} |"
    yield f"|---|{'---|' * len(AFTER)}"
    for claim in CLAIMS:
        found = [verdict_of(claim, result, scenario, arm) for arm in AFTER]
        yield f"| {claim.words} | {' | '.join(f'{one.standing}: {one.figure}' for one in found)} |"
