"""Scripts that fail, hang or are not there stop nothing, and are told."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.support.waiting import wait_until

from bench.results import measuring
from bench.results.measuring import Budget, index_of, measure, proof_of, run
from bench.results.plan_steps import PROOF

WELL = 'import sys; open(sys.argv[1], "w").write(\'{"benchmark": "well", "environment": {}, "arms": {}, "ratios": []}\')'
FAULTY = """
print("audit: roots=3")
print("time.sleep at a.b:3")
print("  a.b.c")
print("proof: blocking_calls=1 routes=3")
raise SystemExit(1)
"""
PROGRAMS = {
    PROOF: FAULTY,
    "well": WELL,
    "broken": "raise SystemExit('no such table')",
    "hanging": "import signal; signal.pause()",
}


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small programs in place of benchmarks, which take minutes."""
    there = {name: Path(__file__) for name in PROGRAMS}
    monkeypatch.setattr(measuring, "script_of", lambda name: there.get(name, Path("benchmark_missing.py")))
    monkeypatch.setattr(
        measuring, "command_of", lambda name, path: [sys.executable, "-c", PROGRAMS[name], str(path)]
    )


def measured(shares: Mapping[str, float], seconds: float, folder: Path) -> tuple[bool, dict[str, Any]]:
    is_well = measure(shares, seconds, folder / "latest", folder / "former", lambda: None)
    found = {path.stem: json.loads(path.read_text()) for path in (folder / "latest").glob("*.json")}
    return is_well, found


@pytest.mark.usefixtures("programs")
def test_what_fails_hangs_or_is_not_there_is_told_and_the_rest_is_measured(tmp_path: Path) -> None:
    is_well, found = measured({"broken": 9.0, "hanging": 0.5, "missing": 9.0, "well": 30.0}, 40, tmp_path)
    assert not is_well
    assert found.keys() == {"broken", "hanging", "well"}
    assert found["broken"]["failures"] == ["exit code 1: no such table"]
    assert found["broken"]["environment"]["cores"] == os.cpu_count()
    assert found["hanging"]["failures"] == ["was not done in time: "]
    assert "failures" not in found["well"]
    assert all("took_seconds" in one for one in found.values())


@pytest.mark.usefixtures("programs")
def test_what_a_proof_found_fault_with_is_kept_beside_its_verdict(tmp_path: Path) -> None:
    is_well, found = measured({PROOF: 30.0}, 30, tmp_path)
    assert not is_well
    assert found[PROOF]["lines"] == ["proof: blocking_calls=1 routes=3"]
    assert found[PROOF]["failures"] == ["exit code 1: time.sleep at a.b:3; a.b.c"]


@pytest.mark.usefixtures("programs")
def test_a_second_run_keeps_the_first_one_aside(tmp_path: Path) -> None:
    for _ in range(2):
        is_well, found = measured({"well": 60.0}, 60, tmp_path)
        assert is_well
        assert found.keys() == {"well"}
    assert (tmp_path / "former" / "well.json").exists()


def test_a_script_has_its_share_and_what_those_before_it_left_over() -> None:
    budget = Budget(100, {"first": 30.0, "second": 30.0, "third": 30.0})
    assert budget.take("first") == pytest.approx(40, abs=1)
    assert budget.take("second") == pytest.approx(70, abs=1)
    assert budget.take("third") == pytest.approx(100, abs=1)
    late = Budget(20, {"first": 30.0, "second": 30.0})
    assert late.take("first") == pytest.approx(20, abs=1)
    assert Budget(-1, {"first": 30.0}).take("first") == 0


@pytest.mark.usefixtures("programs")
def test_nothing_is_begun_when_no_time_is_left(tmp_path: Path) -> None:
    is_well, found = measured({"well": 60.0}, 0, tmp_path)
    assert not is_well
    assert found["well"]["failures"] == ["no time was left for it"]


def test_a_program_that_does_not_listen_is_ended_with_all_that_it_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "GRACE_SECONDS", 0.5)
    deaf = "import signal, subprocess, sys; signal.signal(15, signal.SIG_IGN); print(subprocess.Popen(['sleep', '600']).pid, flush=True); signal.pause()"
    ended = run([sys.executable, "-c", deaf], tmp_path / "deaf.log", 1.0)
    assert ended.code is None
    wait_until(lambda: not is_running(int(ended.output)), what="the end of what it began")


def is_running(pid: int) -> bool:
    """Nobody may have taken its end yet where this process' init does not: such a one runs no more."""
    path = Path(f"/proc/{pid}/stat")
    return path.exists() and path.read_text().rpartition(")")[2].split()[0] != "Z"


def test_the_proof_and_the_indexing_are_read_from_what_they_print() -> None:
    line = "proof: blocking_calls=0 routes=3 socket_events=0 planted_caught=9/9"
    assert proof_of(["a route", line, "after it"]) == {"lines": [line]}
    assert proof_of(["Traceback", "KeyError: 'route'"]) == {}
    printed = [
        "all rounds: medians bare 0.600 s, full 1.200 s, one file 0.0200 s",
        "  speed against bare parsing 0.50 (target >= 0.5)",
        "  one changed file / full    0.0167 (target <= 0.02)",
    ]
    ratios: Any = index_of(printed)["ratios"]
    assert [(ratio["value"], ratio["met"]) for ratio in ratios] == [(0.5, True), (0.0167, True)]
    assert index_of(["broke off"]) == {}
