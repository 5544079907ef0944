"""The loop's figures: what is ready to run, under either loop, and stalls that no reset takes back."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop
from tests.support.scraping import scrape_of

from riverrun.infra.loop_metrics import ready_queue
from riverrun.infra.loop_report import LoopReport, Place, Stall
from riverrun.kit.clock import now

Runner = Callable[[Coroutine[Any, Any, None]], None]


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_what_waits_for_its_turn_is_seen_under_either_loop(run: Runner) -> None:
    async def look() -> None:
        loop = asyncio.get_running_loop()
        ready = ready_queue(loop)
        before = len(ready)
        for _ in range(5):
            loop.call_soon(lambda: None)
        assert len(ready) == before + 5

    run(look())


def test_stalls_are_counted_by_route_whatever_is_reset() -> None:
    report = LoopReport()
    route = "/api/v1/runs/{run_id}"
    for place in (
        Place("a.py:1 in a", "/api/v1/runs/7", "GET", route=route),
        Place("b.py:1 in b", "AsyncThing.work"),
    ):
        report.add_stall(Stall(now(), 250.0, 0.0, place, ()))
    report.add_machine_stall(500.0)
    report.reset()
    seen = scrape_of(report.metrics.families())
    assert seen.value("riverrun_loop_stalls_total", method="GET", route=route) == 1
    assert seen.value("riverrun_loop_blocked_seconds_total", method="GET", route=route) == 0.25
    assert seen.value("riverrun_loop_stalls_total", method="", route="") == 1
    assert seen.value("riverrun_loop_machine_stalls_total") == 1
    assert seen.value("riverrun_loop_machine_stalled_seconds_total") == 0.5
    assert "route" not in report.document()["callback"]
