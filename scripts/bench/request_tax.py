"""Benchmark 8: what a request costs beside the same SQL and JSON on bare ASGI and asyncpg."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

from bench.arm_levels import AGAIN, NATIVE, check_twins, play
from bench.arm_server import HOST, open_servers
from bench.load import Address, Level
from bench.ratios import Ratio, interval
from bench.report import Report
from bench.scenario import Scenario
from bench.site import Site

RAW = "raw"
PROGRAMS = {RAW: "raw-conversation", NATIVE: "riverrun", AGAIN: "riverrun"}


@dataclass(frozen=True, slots=True)
class Requests:
    """How many at once, and how often."""

    at_once: int = 20
    rounds: int = 400


def measure_request_tax(site: Site, report: Report, scenario: Scenario, plan: Requests) -> None:
    """Requests a second, and requests a second of CPU, each over those of the raw arm."""
    signed_in = f"Authorization: Bearer {site.token}\r\n"
    with open_servers(PROGRAMS, site.settings) as servers:
        arms = {name: Address(HOST, server.port, signed_in, server) for name, server in servers.items()}
        levels = asyncio.run(play(arms, scenario, plan.at_once, plan.rounds))
    for name, level in levels.items():
        report.note_level(name, f"{scenario.name}@{plan.at_once}", level.as_dict())
    check_twins(levels, scenario.name, report)
    report.add(compare(levels, scenario, wall_seconds, "requests a second", target=0.60))
    report.add(compare(levels, scenario, cpu_seconds, "requests a second of CPU"))


def compare(
    levels: Mapping[str, Level],
    scenario: Scenario,
    seconds: Callable[[Level], list[float]],
    what: str,
    target: float | None = None,
) -> Ratio:
    """The raw arm's seconds a round over the product's: how many of its requests fit into one of ours."""
    raw, native = seconds(levels[RAW]), seconds(levels[NATIVE])
    return Ratio(
        "8",
        f"{scenario.name}, {what}",
        median(raw) / median(native),
        interval(raw, native),
        target=target,
        bound=">=",
        unit="x raw",
        note=f"{median(native) * 1e3:.2f} ms a round against {median(raw) * 1e3:.2f}",
    )


def wall_seconds(level: Level) -> list[float]:
    """How long each round took."""
    return [usage.wall_seconds for usage in level.usages]


def cpu_seconds(level: Level) -> list[float]:
    """What the server used of its core in each round."""
    return [usage.cpu_seconds for usage in level.usages]
