"""Benchmarks 1, 2, 4 and 6b on the arms whose streams each cost a thread: with no more streams than those can serve.

The blocking arm is left out: its one loop waits in the first stream's XREAD while all others stand still.
"""

import contextlib
from dataclasses import dataclass
from statistics import median

from bench.arm_server import ArmServer, is_offered, open_servers
from bench.ratios import Ratio, interval
from bench.reconnect_storm import Storm, come_back
from bench.report import Report
from bench.site import Site
from bench.stream_stage import Audience, Round, StreamStage, open_stage

NATIVE = "riverrun"
ARMS = {"raw": "raw", NATIVE: NATIVE, "plan": "plan", "threads": "threads"}


@dataclass(frozen=True, slots=True)
class FewStreams:
    """Fewer than the 40 threads of these arms; each stream has so many events a second."""

    streams: int = 30
    per_second: float = 5.0
    seconds: float = 3.0
    rounds: int = 5
    missed: int = 50


def measure_few_streams(site: Site, report: Report, plan: FewStreams) -> None:
    """Every arm in turns; the ratios are to the native one."""
    with contextlib.ExitStack() as stack:
        stage = stack.enter_context(open_stage(site))
        offered = {name: arm for name, arm in ARMS.items() if is_offered(arm)}
        servers = stack.enter_context(open_servers(offered, site.settings))
        first = plan.streams // 3
        audiences = {name: stage.seat(name, server, first) for name, server in servers.items()}
        grown = {
            name: grow(stage, audience, plan.streams - first, plan) for name, audience in audiences.items()
        }
        rounds = play_in_turns(stage, audiences, plan)
        inexact = sum(stage.end(audiences[name]) for name in audiences if name != "raw")
        for name in audiences:
            stage.leave(name)
        seconds, inexact_later = reconnect(stage, servers, plan)
    if inexact + inexact_later:
        report.reject(f"few streams: {inexact + inexact_later} readers were not exact")
    for name, played in rounds.items():
        for number, one in enumerate(played):
            report.note_level(name, f"{plan.streams} streams, round {number + 1}", one.as_dict())
    tell(report, plan, "1", "fan-out CPU", {n: [one.cpu_us_an_event for one in p] for n, p in rounds.items()})
    tell(report, plan, "2", "delivery delay p99", {n: [p99(one) for one in p] for n, p in rounds.items()})
    for name, size in grown.items():
        report.note_level(
            name, f"{plan.streams} streams, memory", {"errors": 0, "bytes_a_stream": round(size)}
        )
    report.add(
        Ratio(
            "4/threads",
            "memory a stream",
            grown["threads"] / max(grown[NATIVE], 1),
            unit=f"x {NATIVE}",
            note=", ".join(f"{name} {size / 1024:.0f} KiB" for name, size in grown.items()),
        )
    )
    tell(report, plan, "6b", "time to level when every client reconnects", seconds)


def grow(stage: StreamStage, audience: Audience, count: int, plan: FewStreams) -> float:
    """The resident bytes that each of so many more streams takes, after a warm-up of those that are there."""
    before = stage.play(audience, plan.per_second, plan.seconds / 3).usage.rss_bytes
    stage.add(audience, count)
    return (stage.play(audience, plan.per_second, plan.seconds / 3).usage.rss_bytes - before) / count


def play_in_turns(
    stage: StreamStage, audiences: dict[str, Audience], plan: FewStreams
) -> dict[str, list[Round]]:
    """Round by round each arm once; they are warm."""
    rounds: dict[str, list[Round]] = {name: [] for name in audiences}
    for _ in range(plan.rounds):
        for name, audience in audiences.items():
            rounds[name].append(stage.play(audience, plan.per_second, plan.seconds))
    return rounds


def reconnect(
    stage: StreamStage, servers: dict[str, ArmServer], plan: FewStreams
) -> tuple[dict[str, list[float]], int]:
    """Seconds of each arm's storms; the raw one replays nothing, so it has none."""
    storm = Storm(plan.streams, plan.missed, plan.rounds)
    seconds, inexact = {}, 0
    for name, server in servers.items():
        if name != "raw":
            seconds[name], missed = come_back(stage, server, storm)
            inexact += missed
    return seconds, inexact


def p99(one: Round) -> float:
    """Milliseconds."""
    return one.delays["p99_ms"]


def tell(report: Report, plan: FewStreams, number: str, name: str, figures: dict[str, list[float]]) -> None:
    """Each arm's median to the native one's."""
    native = figures.pop(NATIVE)
    for arm, values in figures.items():
        ratio = median(values) / median(native)
        note = f"{plan.streams} streams"
        between = interval(values, native)
        report.add(Ratio(f"{number}/{arm}", name, ratio, between, unit=f"x {NATIVE}", note=note))
