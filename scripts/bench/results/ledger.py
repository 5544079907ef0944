"""The plan's promises over all that was measured: held, not held, not measured."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bench.ratios import Ratio
from bench.results.claims import AFTER, CLAIMS, Claim, Standing, Verdict, verdict_of
from bench.results.plan_steps import CAPACITY, PROOF, STEPS
from bench.results.raw_results import RawResult

HOPED_CAPACITY = 1.3
"""The lesser of the plan's +30 to 40 %."""
COUNTED_APART = {CAPACITY, "streams"}
"""They have no endpoints."""
PROOF_LINE = re.compile(
    r"^proof: blocking_calls=(\d+) routes=(\d+) socket_events=(\d+) planted_caught=(\d+)/(\d+)$"
)
CENSUS_LINE = re.compile(r"^threads: before=(\d+) streams=(\d+) during=(\d+)$")


@dataclass(frozen=True, slots=True)
class Entry:
    """One promise for one arm."""

    claim: str
    arm: str
    standing: Standing
    figure: str


def entries(results: Mapping[str, RawResult]) -> list[Entry]:
    """One promise after the other, the plan's form before the product's."""
    found = [Entry(claim.words, arm, *_over_all(claim, arm, results)) for claim in CLAIMS for arm in AFTER]
    return [
        *found,
        _sync_io(results.get(PROOF)),
        _pool(results.get(PROOF)),
        *_capacity(results.get(CAPACITY)),
    ]


def _over_all(claim: Claim, arm: str, results: Mapping[str, RawResult]) -> tuple[Standing, str]:
    """Held where it is held at every endpoint; the figure is the worst of those that decided."""
    verdicts = {
        f"{result.benchmark}, {scenario}": verdict_of(claim, result, scenario, arm)
        for result in (results[name] for name in _scripts_of_the_plan() if name in results)
        for scenario in result.scenarios
    }
    if not verdicts:
        return Standing.NOT_MEASURED, "no script of the plan was run"
    by_standing = {
        standing: {where: one for where, one in verdicts.items() if one.standing == standing}
        for standing in (Standing.NOT_HELD, Standing.NOT_MEASURED, Standing.HELD)
    }
    standing, deciding = next((standing, found) for standing, found in by_standing.items() if found)
    where, worst = max(deciding.items(), key=lambda item: item[1].rank)
    counts = ", ".join(f"{standing} at {len(found)}" for standing, found in by_standing.items() if found)
    leading = "such as" if standing == Standing.NOT_MEASURED else "the worst:"
    return (
        standing,
        f"{counts} of {len(verdicts)} endpoints in {_coverage(results)}; {leading} {where}, {worst.figure}",
    )


def _scripts_of_the_plan() -> list[str]:
    return list(
        dict.fromkeys(name for step in STEPS for name in step.benchmarks if name not in COUNTED_APART)
    )


def _coverage(results: Mapping[str, RawResult]) -> str:
    """How many of the plan's scripts the endpoints are of, since a promise says nothing of what was not measured."""
    names = _scripts_of_the_plan()
    partial = [name for name in names if name not in results or results[name].failures]
    return f"{len(names) - len(partial)} of {len(names)} scripts" + (
        f" (not {', '.join(partial)})" if partial else ""
    )


def _sync_io(proof: RawResult | None) -> Entry:
    words = "zero sync I/O on the event loop"
    if (found := _said(proof, PROOF_LINE)) is None:
        return Entry(words, "riverrun", Standing.NOT_MEASURED, _why_not_proven(proof))
    calls, routes, events, caught, planted = found
    is_held = calls == 0 and routes > 0 and caught == planted and proof is not None and not proof.failures
    figure = f"{calls} blocking calls in {routes} routes and {events} socket events; {caught} of {planted} planted ones found"
    if proof is not None and proof.failures:
        figure = f"{figure}; {_why_not_proven(proof)}"
    return Entry(words, "riverrun", Standing.HELD if is_held else Standing.NOT_HELD, figure)


def _pool(proof: RawResult | None) -> Entry:
    words = "no threads but those of the framework's pool"
    if (found := _said(proof, CENSUS_LINE)) is None:
        return Entry(words, "riverrun", Standing.NOT_MEASURED, _why_not_proven(proof))
    before, streams, during = found
    standing = Standing.HELD if during <= before else Standing.NOT_HELD
    return Entry(
        words, "riverrun", standing, f"{during} threads with {streams} streams open, {before} before"
    )


def _said(proof: RawResult | None, line: re.Pattern[str]) -> list[int] | None:
    """The numbers of the last such line."""
    found = [match for said in proof.lines if (match := line.match(said))] if proof is not None else []
    return [int(number) for number in found[-1].groups()] if found else None


def _why_not_proven(proof: RawResult | None) -> str:
    if proof is None:
        return "`make proof` was not run"
    return "; ".join(proof.failures) or "`make proof` did not say it"


def _capacity(capacity: RawResult | None) -> list[Entry]:
    words = "30 to 40 % more requests an instance"
    ratio = capacity.ratio("11/blocking") if capacity is not None else None
    plan = Entry(
        words,
        "plan",
        Standing.NOT_MEASURED,
        "before, the first open stream stops everything, so there is nothing to compare with; "
        "without streams the plan's form is the product's",
    )
    if capacity is None or ratio is None or ratio.ci95 is None or capacity.is_smoke:
        why = (
            "; ".join(capacity.failures)
            if capacity and capacity.failures
            else "benchmark 11 was not run to its end"
        )
        return [plan, Entry(words, "riverrun", Standing.NOT_MEASURED, why)]
    verdict = _capacity_verdict(ratio)
    return [plan, Entry(words, "riverrun", verdict.standing, verdict.figure)]


def _capacity_verdict(ratio: Ratio) -> Verdict:
    assert ratio.ci95 is not None
    low, high = ratio.ci95
    figure = f"{ratio.value:.2f}x [{low:.2f} .. {high:.2f}]: {ratio.note}"
    if low >= HOPED_CAPACITY:
        return Verdict(Standing.HELD, figure)
    if high < HOPED_CAPACITY:
        return Verdict(Standing.NOT_HELD, figure)
    return Verdict(Standing.NOT_MEASURED, f"{figure} is too wide to tell")
