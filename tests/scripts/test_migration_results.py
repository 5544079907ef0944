"""The document of the results, from the JSON of a real run that was recorded."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from bench.ratios import Ratio
from bench.results.claims import Standing
from bench.results.document import Document
from bench.results.ledger import COUNTED_APART, Entry, entries
from bench.results.measuring import write
from bench.results.plan_steps import FULL, PLAN, PROOF, STEPS
from bench.results.raw_results import RawResult, read_result, read_results

RECORDED = Path(__file__).parent / "recorded"
SCRIPTS = Path(__file__).parents[2] / "scripts"
NO_BENCHMARKS = {"harness", "results", "first_landing"}
"""What runs and writes, and the first landing's figures, which are of no step and have no number."""


def recorded() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RECORDED / "usage_check.json").read_text())
    return found


def result_of(folder: Path, given: dict[str, Any]) -> RawResult:
    path = folder / f"{given['benchmark']}.json"
    path.write_text(json.dumps(given))
    return read_result(path)


def text_of(*results: RawResult, baselines: Path = Path("nowhere")) -> str:
    return Document({result.benchmark: result for result in results}, baselines).text()


def ledger_of(*results: RawResult) -> dict[tuple[str, str], Entry]:
    return {
        (entry.claim, entry.arm): entry for entry in entries({result.benchmark: result for result in results})
    }


def test_each_step_has_a_section_and_each_missing_script_a_reason() -> None:
    text = text_of()
    for step in STEPS:
        assert f"\n## Step {step.number}: {step.title}\n" in text
    assert "tunnel_github: not measured, the editor's tunnel and GitHub have not landed." in text
    assert all(line.endswith("|") for line in text.splitlines() if line.startswith("|"))
    assert {entry.standing for entry in entries({})} == {Standing.NOT_MEASURED}


def test_every_benchmark_of_the_scripts_is_run_by_one_of_the_targets() -> None:
    there = {path.stem.removeprefix("benchmark_") for path in SCRIPTS.glob("benchmark_*.py")} - NO_BENCHMARKS
    assert there <= set(FULL)
    assert {name for step in STEPS for name in step.benchmarks} - COUNTED_APART <= set(PLAN)


def test_the_section_of_a_script_has_the_recorded_figures_of_each_arm() -> None:
    text = text_of(*read_results(RECORDED).values())
    section = text.partition("## Step 2a: Usage")[2].partition("\n## ")[0]
    for arm in ("blocking", "threads", "plan", "riverrun", "raw"):
        figures = recorded()["arms"][arm]["usage@4"]
        [row] = [
            line
            for line in section.partition("#### usage\n")[2].partition("<details>")[0].splitlines()
            if f"`{arm}`" in line and "twin" not in line and line.startswith("|")
        ][:1]
        assert f"| {figures['p50_ms']:.2f} |" in row
        assert f"| {figures['p99_ms']:.2f} |" in row
        assert f"| {figures['requests_per_second']:,.0f} | {figures['blocked_ms']:,.1f} |" in row
        assert row.endswith(f"| {figures['threads']} | 0 |")
    assert f"| {recorded()['environment']['commit']} | {recorded()['environment']['load_before']} |" in text


def test_pictures_are_sound_hold_every_arm_and_are_the_same_for_the_same_figures() -> None:
    results = read_results(RECORDED)
    pictures = Document(results, Path("nowhere")).pictures()
    assert pictures == Document(results, Path("nowhere")).pictures()
    assert set(pictures) == {"usage_check-latency.svg", "usage_check-lag.svg"}
    for svg in pictures.values():
        words = {element.text for element in ElementTree.fromstring(svg).iter()}
        assert {"usage-check", "usage", "blocking", "threads", "plan", "riverrun"} <= words


def test_the_capacity_is_drawn_as_bars_with_whiskers(tmp_path: Path) -> None:
    given = {**recorded(), "benchmark": "capacity", "ratios": []}
    rates = {"riverrun": (100.0, 130.0, 120.0), "blocking": (5.0, 7.0, 6.0)}
    given["arms"] = {
        arm: {f"0 streams, round {number}": {"rate": rate} for number, rate in enumerate(found)}
        for arm, found in rates.items()
    }
    result = result_of(tmp_path, given)
    [(name, svg)] = Document({"capacity": result}, Path("nowhere")).pictures().items()
    words = {element.text for element in ElementTree.fromstring(svg).iter()}
    assert name == "capacity-capacity.svg"
    assert {"0 streams open", "120", "6"} <= words


def test_a_promise_is_held_only_where_every_endpoint_holds_it(tmp_path: Path) -> None:
    given = recorded()
    for ratio in given["ratios"]:
        if ratio["name"] == "p95 latency":
            ratio |= {"value": 0.5, "ci95": [0.4, 0.6]}
    claim = ("p95 flat or better", "riverrun")
    assert ledger_of(result_of(tmp_path, given))[claim].standing == Standing.HELD
    worse = next(one for one in given["ratios"] if one["id"] == "usage@4/riverrun")
    worse |= {"value": 1.5, "ci95": [0.9, 2.0]}
    told = ledger_of(result_of(tmp_path, given))[claim]
    assert told.standing == Standing.NOT_MEASURED
    assert "usage_check, usage, 1.50x [0.90 .. 2.00] is too wide to tell" in told.figure
    worse |= {"value": 1.5, "ci95": [1.2, 2.0]}
    told = ledger_of(result_of(tmp_path, given))[claim]
    assert told.standing == Standing.NOT_HELD
    assert told.figure.startswith(
        "not held at 1, held at 1 of 2 endpoints in 1 of 8 scripts (not redis_async, chat_flow,"
    )


def test_errors_threads_and_blocked_time_are_held_against_what_was_before(tmp_path: Path) -> None:
    given = recorded()
    level = given["arms"]["riverrun"]["usage@4"]
    level |= {"errors": 2, "threads": 90}
    level["rounds"] = [{"seconds": 1.0, "blocked_ms": 900.0, "worst_lag_ms": 900.0}] * 6
    result = result_of(tmp_path, given)
    told = ledger_of(result)
    assert told["no new errors", "riverrun"].figure.endswith("usage_check, usage, 2 against 0")
    for claim in ("no new errors", "threads flat or down", "time for which the loop was blocked goes down"):
        assert told[claim, "riverrun"].standing == Standing.NOT_HELD
    assert "🔴 **2**" in text_of(result)


def test_nothing_that_was_timed_follows_from_a_void_run(tmp_path: Path) -> None:
    reason = "usage@4: the A/A pair is 51% apart"
    result = result_of(tmp_path, {**recorded(), "void": [reason]})
    told = ledger_of(result)["p95 flat or better", "plan"]
    assert told.standing == Standing.NOT_MEASURED
    assert f"void: {reason}" in told.figure or "too wide" in told.figure
    assert f"🔴 **Void**, so nothing follows from it: {reason}." in text_of(result)


def test_figures_of_a_smoke_run_are_said_to_mean_nothing(tmp_path: Path) -> None:
    result = result_of(tmp_path, {**recorded(), "is_smoke": True})
    assert "These figures mean nothing" in text_of(result)
    assert {entry.standing for entry in ledger_of(result).values()} == {Standing.NOT_MEASURED}


@pytest.mark.parametrize(
    ("line", "standing"),
    [
        ("proof: blocking_calls=0 routes=120 socket_events=0 planted_caught=9/9", Standing.HELD),
        ("proof: blocking_calls=1 routes=120 socket_events=0 planted_caught=9/9", Standing.NOT_HELD),
        ("proof: blocking_calls=0 routes=120 socket_events=0 planted_caught=8/9", Standing.NOT_HELD),
        ("proof: not run", Standing.NOT_MEASURED),
    ],
)
def test_zero_sync_io_is_what_the_proof_says(tmp_path: Path, line: str, standing: Standing) -> None:
    write(tmp_path / "proof.json", PROOF, lines=[line])
    told = ledger_of(read_result(tmp_path / "proof.json"))
    assert told["zero sync I/O on the event loop", "riverrun"].standing == standing


def test_a_proof_that_failed_of_another_reason_holds_nothing(tmp_path: Path) -> None:
    lines = [
        "threads: before=9 streams=500 during=9",
        "proof: blocking_calls=0 routes=120 socket_events=0 planted_caught=9/9",
    ]
    write(tmp_path / "proof.json", PROOF, lines=lines, failures=["exit code 1: a route that nobody drove"])
    told = ledger_of(read_result(tmp_path / "proof.json"))
    zero = told["zero sync I/O on the event loop", "riverrun"]
    assert zero.standing == Standing.NOT_HELD
    assert zero.figure.endswith("; exit code 1: a route that nobody drove")
    pool = told["no threads but those of the framework's pool", "riverrun"]
    assert (pool.standing, pool.figure) == (Standing.HELD, "9 threads with 500 streams open, 9 before")


@pytest.mark.parametrize(
    ("between", "standing"),
    [
        ((5.0, 15.0), Standing.HELD),
        ((1.0, 1.2), Standing.NOT_HELD),
        ((1.1, 1.9), Standing.NOT_MEASURED),
    ],
)
def test_more_capacity_is_what_benchmark_11_says(
    tmp_path: Path, between: tuple[float, float], standing: Standing
) -> None:
    ratio = Ratio(
        "11/blocking", "capacity", sum(between) / 2, between, 10, ">=", "x blocking", "60 against 6"
    )
    write(tmp_path / "capacity.json", "capacity", ratios=[ratio.as_dict()])
    told = ledger_of(read_result(tmp_path / "capacity.json"))[
        "30 to 40 % more requests an instance", "riverrun"
    ]
    assert told.standing == standing
    assert told.figure.partition(":")[2].startswith(" 60 against 6")


def test_what_is_worse_than_the_baseline_is_shown_in_red(tmp_path: Path) -> None:
    former = recorded()
    former["arms"]["riverrun"]["usage@4"] |= {"p95_ms": 0.001, "p95_ci95_ms": [0.001, 0.002]}
    result_of(tmp_path, former)
    text = text_of(*read_results(RECORDED).values(), baselines=tmp_path)
    p95 = recorded()["arms"]["riverrun"]["usage@4"]["p95_ms"]
    assert f"- 🔴 **worse: usage_check**, riverrun, usage@4: p95 {p95:.2f} ms, was 0.00 ms" in text
    assert "Nothing is worse" in text_of(*read_results(RECORDED).values(), baselines=RECORDED)


def test_a_baseline_of_other_levels_is_not_said_to_be_kept_up_with(tmp_path: Path) -> None:
    result_of(tmp_path, {**recorded(), "arms": {}, "ratios": []})
    text = text_of(*read_results(RECORDED).values(), baselines=tmp_path)
    assert "Not measured: nothing could be compared with the baselines of usage_check." in text
    assert "Nothing is worse" not in text


def test_the_committed_document_is_one_that_this_writer_wrote_of_figures_that_mean_something() -> None:
    text = (SCRIPTS.parent / "docs" / "async-migration-results.md").read_text()
    headings = [line for line in text.splitlines() if line.startswith(("# ", "## "))]
    assert headings == [line for line in text_of().splitlines() if line.startswith(("# ", "## "))]
    assert "figures mean nothing" not in text


def test_a_file_that_is_no_result_is_named(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("[]")
    with pytest.raises(ValueError, match=r"other\.json is no result of a benchmark"):
        read_results(tmp_path)
