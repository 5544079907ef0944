"""Benchmarks 1 and 2: what a delivered event costs, and how late it is."""

import contextlib
from dataclasses import dataclass
from statistics import median
from uuid import UUID

from bench.arm_server import open_servers
from bench.child import Child
from bench.ratios import AGREEMENT, Ratio, apart, interval
from bench.report import Report
from bench.site import Site
from bench.stream_stage import Audience, Round, StreamStage, open_stage
from riverrun.streaming.commands import live_channel

ARMS = {"raw": "raw", "riverrun": "riverrun", "riverrun again": "riverrun"}


@dataclass(frozen=True, slots=True)
class FanOut:
    """How many streams, each with so many events a second, for how long."""

    streams: int = 1_000
    per_second: float = 5.0
    seconds: float = 3.0
    rounds: int = 5


def measure_fan_out(site: Site, report: Report, plan: FanOut) -> None:
    """Raw, riverrun, and riverrun again as the A/A pair, in turns on the same machine."""
    with contextlib.ExitStack() as stack:
        stage = stack.enter_context(open_stage(site))
        bare = stack.enter_context(Child("bench.bare_subscriber"))
        servers = stack.enter_context(open_servers(ARMS, site.settings))
        audiences = {name: stage.seat(name, server, plan.streams) for name, server in servers.items()}
        heard_bare = [live_channel(UUID(run_id)) for run_id in audiences["riverrun"].run_ids]
        bare.ask("listen", redis_url=site.settings.redis_url, channels=heard_bare)
        rounds, bare_p99 = play_in_turns(stage, bare, audiences, plan)
        inexact = sum(stage.end(audiences[name]) for name in ("riverrun", "riverrun again"))
    for name, played in rounds.items():
        for number, one in enumerate(played):
            report.note_level(name, f"round {number + 1}", one.as_dict())
    tell(report, rounds, bare_p99, inexact, plan)


def play_in_turns(
    stage: StreamStage, bare: Child, audiences: dict[str, Audience], plan: FanOut
) -> tuple[dict[str, list[Round]], list[float]]:
    """A warm-up each, then round by round each audience once."""
    for audience in audiences.values():
        stage.play(audience, plan.per_second, plan.seconds / 3)
    rounds: dict[str, list[Round]] = {name: [] for name in audiences}
    bare_p99 = []
    for _ in range(plan.rounds):
        for name, audience in audiences.items():
            bare.ask("collect")
            rounds[name].append(stage.play(audience, plan.per_second, plan.seconds))
            if name == "riverrun":
                bare_p99.append(bare.ask("collect")["p99_ms"])
    return rounds, bare_p99


def tell(
    report: Report, rounds: dict[str, list[Round]], bare_p99: list[float], inexact: int, plan: FanOut
) -> None:
    """Both ratios, and whether they may be believed."""
    cpu = {name: [one.cpu_us_an_event for one in played] for name, played in rounds.items()}
    if (gap := apart(cpu["riverrun"], cpu["riverrun again"])) > AGREEMENT:
        report.reject(f"benchmark 1: the A/A pair is {gap:.0%} apart")
    if inexact:
        report.reject(f"benchmark 1: {inexact} readers were not exact")
    p99 = [one.delays["p99_ms"] for one in rounds["riverrun"]]
    raw_p99 = median(one.delays["p99_ms"] for one in rounds["raw"])
    report.add(
        Ratio(
            "1",
            "fan-out CPU",
            median(cpu["riverrun"]) / median(cpu["raw"]),
            interval(cpu["riverrun"], cpu["raw"]),
            target=1.6,
            unit="x raw",
            note=f"{median(cpu['riverrun']):.1f} us an event against {median(cpu['raw']):.1f}, "
            f"{plan.streams:,} streams x {plan.per_second:g}/s",
        )
    )
    report.add(
        Ratio(
            "2",
            "delivery delay p99",
            median(p99) / median(bare_p99),
            interval(p99, bare_p99),
            target=2.0,
            unit="x a bare subscriber",
            note=f"{median(p99):.2f} ms against {median(bare_p99):.2f}; raw fan-out {raw_p99:.2f} ms",
        )
    )
