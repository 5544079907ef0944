"""Benchmark 3: how many quiet streams one core serves in time."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from bench.arm_server import ArmServer
from bench.environment import pin
from bench.ratios import Ratio
from bench.report import Report
from bench.site import Site
from bench.stream_stage import open_stage

PER_SECOND = 0.2
MOST_P99_MS = 50.0
SERVER_CORE = 0


@dataclass(frozen=True, slots=True)
class Capacity:
    """The levels that each arm climbs until it is late; ``seconds`` a level. Each stream speaks every five seconds."""

    native: Sequence[int] = (1_000, 2_500, 5_000, 6_000)
    threads: Sequence[int] = (30, 40, 50)
    plan: Sequence[int] = (30, 40, 50)
    seconds: float = 10.0


def measure_capacity(site: Site, report: Report, plan: Capacity, *, with_plan: bool) -> None:
    """The most streams of each arm, and their ratio."""
    native = climb(site, report, "riverrun", plan.native, plan.seconds)
    threads = climb(site, report, "threads", plan.threads, plan.seconds)
    note = f"{native:,} streams against {threads}, p99 <= {MOST_P99_MS:g} ms at {PER_SECOND:g} events/s each"
    if with_plan:
        note += f"; plan {climb(site, report, 'plan', plan.plan, plan.seconds)}"
    report.add(
        Ratio(
            "3",
            "streams a core",
            native / max(threads, 1),
            target=100,
            bound=">=",
            unit="x threads",
            note=note,
        )
    )


def climb(site: Site, report: Report, arm: str, levels: Sequence[int], seconds: float) -> int:
    """The highest level that was served in time; the server has one core to itself as far as it can be had."""
    best = 0
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(ArmServer(arm, site.settings))
        pin(server.pid, SERVER_CORE)
        stage = stack.enter_context(open_stage(site))
        audience = stage.seat(arm, server, 0)
        for level in levels:
            try:
                stage.add(audience, level - len(audience.run_ids))
                played = stage.play(audience, PER_SECOND, seconds)
            except RuntimeError as error:  # a reader's patience ended: this arm serves no more
                report.note_level(arm, str(level), {"requests": 0, "errors": 0, "late": str(error)})
                break
            report.note_level(arm, str(level), played.as_dict())
            if played.delays["p99_ms"] > MOST_P99_MS:
                break
            best = level
    return best
