"""Benchmark 4: the memory that one more open stream takes."""

import contextlib
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from bench.arm_server import open_servers
from bench.ratios import Ratio, interval
from bench.report import Report
from bench.site import Site
from bench.stream_stage import open_stage

ARMS = {"raw asgi": "raw-asgi", "riverrun": "riverrun"}


@dataclass(frozen=True, slots=True)
class Memory:
    """Streams are added ``step`` by ``step``, after a first step that warms everything up."""

    step: int = 400
    steps: int = 6
    seconds: float = 1.0


def measure_memory(site: Site, report: Report, plan: Memory) -> None:
    """Resident bytes a stream, measured at each step, in turns."""
    with contextlib.ExitStack() as stack:
        stage = stack.enter_context(open_stage(site))
        servers = stack.enter_context(open_servers(ARMS, site.settings))
        audiences = {name: stage.seat(name, server, plan.step) for name, server in servers.items()}
        sizes: dict[str, list[int]] = {name: [] for name in ARMS}
        for _ in range(plan.steps + 1):
            for name, audience in audiences.items():
                stage.play(audience, per_stream=2.0, seconds=plan.seconds)
                sizes[name].append(audience.server.look().rss_bytes)
                stage.add(audience, plan.step)
    slopes = {name: (seen[-1] - seen[0]) / (plan.step * plan.steps) for name, seen in sizes.items()}
    for name, seen in sizes.items():
        report.note_level(name, "memory", {"rss_bytes": seen, "bytes_a_stream": round(slopes[name])})
    steps = {
        name: [max(after - before, 1) for before, after in pairwise(seen)] for name, seen in sizes.items()
    }
    report.add(
        Ratio(
            "4",
            "memory a stream",
            slopes["riverrun"] / slopes["raw asgi"],
            interval(steps["riverrun"], steps["raw asgi"]),
            target=1.4,
            unit="x a raw ASGI stream",
            note=f"{slopes['riverrun'] / 1024:.1f} KiB against {slopes['raw asgi'] / 1024:.1f}, "
            f"median step {median(steps['riverrun']) / plan.step / 1024:.1f} KiB",
        )
    )
