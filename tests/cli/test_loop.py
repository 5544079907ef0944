"""``riverrun loop`` says who blocked the loop, and where."""

import io

import pytest
from rich.console import Console

from riverrun.cli.loop import show_loop
from riverrun.infra.loop_report import LoopReport, Place, Stall
from riverrun.kit.clock import now

PLACE = Place("app.py:12 in save", "/runs/{run_id}", "GET", "r1", "u1")


def shown(report: LoopReport, *, has_stacks: bool = False) -> str:
    console = Console(file=io.StringIO(), width=120)
    show_loop(console, report.document(), has_stacks=has_stacks)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_quiet_loop_is_one_line() -> None:
    [line] = shown(LoopReport()).splitlines()
    assert line.startswith("blocked 0 times since ")


@pytest.mark.parametrize("has_stacks", [True, False])
def test_a_stall_is_told_with_its_route_and_line_and_its_stack_if_that_is_wanted(has_stacks: bool) -> None:
    report = LoopReport()
    report.add_stall(Stall(now(), 312.4, 3.0, PLACE, ("main.py:1 in main", "app.py:12 in save: sleep(1)")))
    report.add_machine_stall(200.0)
    report.see_callback(41.0, PLACE)
    words = shown(report, has_stacks=has_stacks)
    assert "312 ms" in words
    assert "GET /runs/{run_id}" in words
    assert "app.py:12 in save" in words
    assert "blocked 1 times" in words
    assert "the machine held it up 1 times" in words
    assert "most CPU of one callback: 41.0 ms" in words
    assert ("main.py:1 in main" in words) is has_stacks


def test_the_report_keeps_the_worst_and_counts_all() -> None:
    report = LoopReport()
    for blocked_ms in range(200, 300):
        report.add_stall(Stall(now(), float(blocked_ms), 0.0, PLACE, ()))
    assert report.stalls == 100
    assert [stall.blocked_time_ms for stall in report.worst] == [float(ms) for ms in range(299, 249, -1)]
    report.reset()
    assert (report.stalls, report.worst) == (0, ())
