"""What a run is compared with: which figures, and when one of them is worse."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench.baseline import Comparison, compare_with, read_baseline
from bench.ratios import Ratio
from bench.report import Report
from bench.results.raw_results import RawResult


def figures(p95: float, low: float, high: float, rounds: int = 5) -> dict[str, Any]:
    return {"errors": 0, "p95_ms": p95, "p95_ci95_ms": [low, high], "round_count": rounds}


def compared(former: dict[str, Any], now: dict[str, Any], arm: str = "riverrun") -> Comparison:
    report = Report("polls", is_smoke=True)
    for level, seen in now.items():
        report.note_level(arm, level, seen)
    return compare_with(RawResult("polls", arms={"riverrun": former}), report)


def test_a_p95_is_worse_only_when_its_whole_interval_lies_above_the_former_one() -> None:
    former = {level: figures(10.0, 9.0, 13.0) for level in ("same@10", "slow@10", "fast@10")}
    now = {
        "same@10": figures(15.0, 12.0, 16.0),
        "slow@10": figures(15.0, 13.5, 16.0),
        "fast@10": figures(5.0, 4.0, 6.0),
    }
    assert compared(former, now) == Comparison(3, ["riverrun, slow@10: p95 15.00 ms, was 10.00 ms"])


def test_a_former_p95_without_an_interval_is_its_own() -> None:
    found = compared({"slow@10": {"errors": 0, "p95_ms": 10.0}}, {"slow@10": figures(15.0, 12.0, 16.0)})
    assert found.worse == ["riverrun, slow@10: p95 15.00 ms, was 10.00 ms"]


def test_levels_with_errors_are_worse_but_for_those_of_sync_drivers() -> None:
    wrong = {"wrong@10": {"errors": 2, "round_count": 5}}
    assert compared({}, wrong, "raw").worse == ["raw, wrong@10: 2 errors"]
    assert compared({}, wrong, "threads").worse == []


@pytest.mark.parametrize(("before", "after"), [(2, 5), (5, 2)])
def test_of_too_few_rounds_on_either_side_nothing_is_said_to_be_worse(before: int, after: int) -> None:
    slow = {"slow@10": {**figures(99.0, 99.0, 99.0, after), "p95_ci95_ms": None if after < 5 else [99.0] * 2}}
    found = compared({"slow@10": figures(1.0, 1.0, 1.0, before)}, slow)
    assert found == Comparison(0, [], ["riverrun, slow@10: too few rounds to compare: 2; at least 5"])


def test_rounds_of_former_files_are_those_in_which_the_server_was_looked_at() -> None:
    former = {"slow@10": {"p95_ms": 1.0, "p95_ci95_ms": [1.0, 1.0], "rounds": [{}, {}, {}]}}
    found = compared(former, {"slow@10": figures(99.0, 99.0, 99.0)})
    assert found.not_compared == ["riverrun, slow@10: too few rounds to compare: 3; at least 5"]


def test_a_level_that_the_baseline_does_not_have_is_named() -> None:
    seen = {"ok@4": figures(1.0, 1.0, 1.0)}
    assert compared(seen, seen, "running") == Comparison(
        0, [], ["running, ok@4: the baseline has no such level"]
    )


def test_a_ratio_is_worse_only_when_the_intervals_do_not_overlap_in_either_direction() -> None:
    def report_of(cost: float, rate: float) -> Report:
        report = Report("streams", is_smoke=True)
        report.add(Ratio("1", "cost", cost, (cost * 0.95, cost * 1.05), target=1.6))
        report.add(Ratio("10", "rate", rate, (rate * 0.95, rate * 1.05), target=0.5, bound=">="))
        report.add(Ratio("1/plan", "of another arm", cost, (cost, cost)))
        return report

    former = RawResult("streams", ratios=tuple(report_of(1.5, 0.7).ratios))
    assert compare_with(former, report_of(1.62, 0.65)).worse == []
    assert compare_with(former, report_of(1.2, 0.9)) == Comparison(2)
    assert compare_with(former, report_of(1.8, 0.5)).worse == [
        "benchmark 1, cost: 1.8, was 1.5",
        "benchmark 10, rate: 0.5, was 0.7",
    ]


def test_a_baseline_is_read_as_it_was_written(tmp_path: Path) -> None:
    report = Report("polls")
    report.note_level("riverrun", "same@10", figures(10.0, 9.0, 12.0))
    report.write(tmp_path / "polls.json")
    assert read_baseline(tmp_path / "polls.json", "polls").arms == report.arms


def test_what_is_no_baseline_of_the_benchmark_is_refused(tmp_path: Path) -> None:
    written = Report("polls").as_dict()
    files = {"smoke": {**written, "is_smoke": True}, "other": {**written, "benchmark": "auth"}, "none": [1]}
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
    for name, reason in {
        "smoke": "figures mean nothing",
        "other": "is of the benchmark auth, not of polls",
        "none": "is no result of a benchmark",
        "missing": "No such file",
        ".": "Is a directory",
    }.items():
        with pytest.raises(ValueError, match=reason):
            read_baseline(tmp_path / name, "polls")
