"""Whether what the plan promises is so, each promise with its figure and its interval."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean

from bench.expanded_percentiles import expanded
from bench.ratios import AGREEMENT, RESAMPLES, SEED, Ratio
from bench.results.raw_results import Figures, RawResult
from bench.round_bootstrap import FEWEST_ROUNDS

BEFORE = "blocking"
AFTER = ("plan", "riverrun")
"""What the plan leads to, and what this product is."""
FLAT = 1 + AGREEMENT
"""As far as the twins of a run may be apart."""


class Standing(StrEnum):
    """What can be said of a promise."""

    HELD = "held"
    NOT_HELD = "not held"
    NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One promise at one endpoint. ``rank`` is greater the worse the figure is, to find the worst of many."""

    standing: Standing
    figure: str
    rank: float = 0.0


@dataclass(frozen=True, slots=True)
class Pair:
    """What was before, and after, at the highest level of an endpoint; ``ratio`` is that of their p95."""

    before: Figures
    after: Figures
    ratio: Ratio | None


Judge = Callable[[Pair], Verdict]


@dataclass(frozen=True, slots=True)
class Claim:
    """A promise of the plan's for each step."""

    words: str
    judge: Judge
    is_timed: bool = True
    """Whether it follows from times, which a void run does not have. What is counted is so all the same."""


def judge_p95(pair: Pair) -> Verdict:
    """Flat is within 10 %."""
    if (ratio := pair.ratio) is None:
        return Verdict(Standing.NOT_MEASURED, "the two were not compared")
    if ratio.ci95 is None:
        return Verdict(Standing.NOT_MEASURED, f"fewer than {FEWEST_ROUNDS} rounds")
    low, high = ratio.ci95
    figure = f"{ratio.value:.2f}x [{low:.2f} .. {high:.2f}]"
    if low > FLAT:
        return Verdict(Standing.NOT_HELD, figure, high)
    if high > FLAT:
        return Verdict(Standing.NOT_MEASURED, f"{figure} is too wide to tell", high)
    return Verdict(Standing.HELD, figure, high)


def judge_errors(pair: Pair) -> Verdict:
    """No more wrong answers than before."""
    return _judge_counts(pair.before["errors"], pair.after["errors"])


def judge_blocked(pair: Pair) -> Verdict:
    """Less of the loop's time a round of requests."""
    was, now = (
        [one["blocked_ms"] for one in figures.get("rounds", ())] for figures in (pair.before, pair.after)
    )
    if min(len(was), len(now)) < FEWEST_ROUNDS:
        return Verdict(Standing.NOT_MEASURED, f"fewer than {FEWEST_ROUNDS} rounds")
    low, high = difference(was, now)
    figure = f"{fmean(now):.1f} against {fmean(was):.1f} ms a round, by {fmean(now) - fmean(was):+.1f} [{low:+.1f} .. {high:+.1f}]"
    if not any(was) and not any(now):
        return Verdict(Standing.HELD, "0 against 0 ms a round")
    if low >= 0:
        return Verdict(Standing.NOT_HELD, figure, high)
    if high >= 0:
        return Verdict(Standing.NOT_MEASURED, f"{figure} is too wide to tell", high)
    return Verdict(Standing.HELD, figure, high)


def judge_threads(pair: Pair) -> Verdict:
    """No more threads than before."""
    if "threads" not in pair.before or "threads" not in pair.after:
        return Verdict(Standing.NOT_MEASURED, "the server is somebody else's")
    return _judge_counts(pair.before["threads"], pair.after["threads"])


def _judge_counts(before: int, after: int) -> Verdict:
    standing = Standing.HELD if after <= before else Standing.NOT_HELD
    return Verdict(standing, f"{after} against {before}", after - before)


CLAIMS = (
    Claim("p95 flat or better", judge_p95),
    Claim("no new errors", judge_errors, is_timed=False),
    Claim("time for which the loop was blocked goes down", judge_blocked),
    Claim("threads flat or down", judge_threads, is_timed=False),
)


def verdict_of(claim: Claim, result: RawResult, scenario: str, arm: str) -> Verdict:
    """At the highest level, where there are the most requests."""
    if result.is_smoke:
        return Verdict(Standing.NOT_MEASURED, "only proved to work")
    if claim.is_timed and (reason := result.void_at(scenario)):
        return Verdict(Standing.NOT_MEASURED, f"void: {reason}")
    before, after = (result.levels(name, scenario) for name in (BEFORE, arm))
    both = before.keys() & after.keys()
    if not both:
        return Verdict(Standing.NOT_MEASURED, f"`{BEFORE}` or `{arm}` did not play it")
    highest = max(both)
    ratio = result.ratio(f"{scenario}@{highest}/{arm}", "p95 latency")
    return claim.judge(Pair(before[highest], after[highest], ratio))


def difference(was: Sequence[float], now: Sequence[float]) -> tuple[float, float]:
    """The bootstrap's 95 % interval of ``fmean(now) - fmean(was)``; the same for the same measurements."""
    dice = random.Random(SEED)
    drawn = (
        fmean(dice.choices(now, k=len(now))) - fmean(dice.choices(was, k=len(was))) for _ in range(RESAMPLES)
    )
    return expanded(drawn, min(len(was), len(now)))
