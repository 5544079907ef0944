"""Benchmark 6: everybody comes back at once."""

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from statistics import median
from uuid import UUID

from bench.arm_server import ArmServer
from bench.ratios import Ratio, interval
from bench.redis_wire import RedisWire
from bench.report import Report
from bench.site import Site
from bench.stream_stage import StreamStage, open_stage
from riverrun.streaming.commands import stream_key


@dataclass(frozen=True, slots=True)
class Storm:
    """So many readers, each of which missed so many events."""

    readers: int = 1_000
    missed: int = 50
    rounds: int = 5


def measure_storm(site: Site, report: Report, plan: Storm) -> None:
    """Two storms: the process' live channel was cut under connected readers; and the readers themselves come back."""
    with contextlib.ExitStack() as stack:
        stage = stack.enter_context(open_stage(site))
        server = stack.enter_context(ArmServer("riverrun", site.settings))
        bound = [pipelined_range(stage, stage_runs(stage, plan)) for _ in range(plan.rounds)]
        channel, inexact = cut_channel(stage, server, plan)
        clients, more_inexact = come_back(stage, server, plan)
    inexact += more_inexact
    if inexact:
        report.reject(f"benchmark 6: {inexact} readers were not exact")
    for name, seconds in (("raw", bound), ("live channel cut", channel), ("clients reconnect", clients)):
        report.note_level(name, "storm", {"errors": 0, "seconds": [round(one, 4) for one in seconds]})
    note = f"{median(channel) * 1e3:.0f} ms against {median(bound) * 1e3:.0f}, {inexact} readers not exact"
    report.add(
        Ratio(
            "6",
            "time to level after a cut live channel",
            median(channel) / median(bound),
            interval(channel, bound),
            target=3.0,
            unit="x one pipelined XRANGE",
            note=note,
        )
    )
    report.add(
        Ratio(
            "6b",
            "time to level when every client reconnects",
            median(clients) / median(bound),
            interval(clients, bound),
            unit="x one pipelined XRANGE",
            note=f"{median(clients) * 1e3:.0f} ms for {plan.readers:,} requests with sign-in and queries",
        )
    )


def stage_runs(stage: StreamStage, plan: Storm) -> list[str]:
    """Runs that have said what readers at ``1-1`` missed."""
    run_ids = stage.new_runs(plan.readers)
    stage.speakers.ask("burst", run_ids=run_ids, each=plan.missed)
    return run_ids


def pipelined_range(stage: StreamStage, run_ids: list[str]) -> float:
    """Seconds for all bytes in one pipeline, parsed and nothing else."""
    wire = RedisWire(stage.site.settings.require_redis_url())
    began = time.perf_counter()
    for run_id in run_ids:
        wire.send("XRANGE", stream_key(UUID(run_id)), "(1-1", "+")
    replies = wire.drain()
    seconds = time.perf_counter() - began
    wire.close()
    if not all(len(reply) == len(replies[0]) for reply in replies):
        raise RuntimeError("the runs have not said the same number of events")
    return seconds


def cut_channel(stage: StreamStage, server: ArmServer, plan: Storm) -> tuple[list[float], int]:
    """The server sleeps while everything is said and its subscription is cut; seconds from its waking to the last byte."""
    audience = stage.seat("connected", server, plan.readers)
    wire = RedisWire(stage.site.settings.require_redis_url())
    seconds = []
    for _ in range(plan.rounds):
        os.kill(server.pid, signal.SIGSTOP)
        try:
            wire.call("CLIENT", "KILL", "TYPE", "pubsub")
            events = stage.speakers.ask("burst", run_ids=audience.run_ids, each=plan.missed)
        finally:
            began_ns = time.monotonic_ns()
            os.kill(server.pid, signal.SIGCONT)
        level_ns = stage.await_all(audience, events)["level_ns"]
        seconds.append((level_ns - began_ns) / 1e9)
    wire.close()
    inexact = stage.end(audience)
    stage.leave(audience.name)
    return seconds, inexact


def come_back(stage: StreamStage, server: ArmServer, plan: Storm) -> tuple[list[float], int]:
    """Seconds from the first connection to the last byte that was missed."""
    seconds, inexact = [], 0
    for number in range(plan.rounds):
        run_ids, group = stage_runs(stage, plan), f"storm {number}"
        began_ns = stage.connect(group, server, run_ids, cursor="1-1")["began_ns"]
        level_ns = stage.readers.ask("heard", group=group, total=plan.readers * plan.missed)["level_ns"]
        seconds.append((level_ns - began_ns) / 1e9)
        told = stage.readers.ask("dense", group=group, after=1)
        inexact += told["readers"] - told["exact"]
        stage.leave(group)
    return seconds, inexact
