"""Whether two runs say the same."""

from dataclasses import replace
from pathlib import Path

from bench.results.overlap import overlap_of
from bench.results.raw_results import read_results

RECORDED = Path(__file__).parent / "recorded"


def test_a_run_overlaps_with_itself_and_what_lies_apart_is_named() -> None:
    run = read_results(RECORDED)
    result = run["usage_check"]
    same = overlap_of(run, run)
    assert same.compared == len(result.ratios) > 10
    assert same.is_enough
    first, *rest = result.ratios
    shifted = replace(first, value=first.value * 100, ci95=(first.value * 90, first.value * 110))
    other = overlap_of(run, {"usage_check": replace(result, ratios=(shifted, *rest))})
    assert [line.split(",")[0] for line in other.apart] == ["usage_check"]
    assert other.share == 1 - 1 / same.compared
    assert not other.is_enough


def test_only_intervals_are_compared_and_none_is_not_enough() -> None:
    run = read_results(RECORDED)
    bare = replace(
        run["usage_check"], ratios=tuple(replace(one, ci95=None) for one in run["usage_check"].ratios)
    )
    overlap = overlap_of(run, {"usage_check": bare})
    assert overlap.compared == 0
    assert not overlap.is_enough
    assert str(overlap) == "overlap: 0 of 0 intervals, 0.0% (wanted >= 95%)"
