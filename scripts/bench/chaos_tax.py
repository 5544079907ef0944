"""Benchmark 12: what a delivered event costs while connections are being killed all the time, and whether any is lost."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from bench.arm_server import ArmServer
from bench.ratios import Ratio, interval
from bench.redis_wire import RedisWire
from bench.report import Report
from bench.site import Site
from bench.stream_stage import open_stage

KILL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Chaos:
    """How many streams, each with so many events a second, for how long."""

    streams: int = 500
    per_second: float = 10.0
    seconds: float = 3.0
    rounds: int = 5


def measure_chaos_tax(site: Site, report: Report, plan: Chaos) -> None:
    """Calm and storm in turns, on the same server and the same readers, all of whom must be exact in the end."""
    cpu: dict[str, list[float]] = {"calm": [], "storm": []}
    kills: list[int] = []
    with contextlib.ExitStack() as stack:
        stage = stack.enter_context(open_stage(site))
        audience = stage.seat(
            "riverrun", stack.enter_context(ArmServer("riverrun", site.settings)), plan.streams
        )
        stage.play(audience, plan.per_second, plan.seconds / 3)
        for number in range(plan.rounds):
            for weather, sky in (("calm", contextlib.nullcontext()), ("storm", storm(site, kills))):
                with sky:
                    played = stage.play(audience, plan.per_second, plan.seconds)
                cpu[weather].append(played.cpu_us_an_event)
                report.note_level(f"riverrun, {weather}", f"round {number + 1}", played.as_dict())
        inexact = stage.end(audience)
    if inexact or not kills:
        report.reject(f"benchmark 12: {inexact} readers lost or doubled something in {len(kills)} kills")
    report.add(
        Ratio(
            "12",
            "chaos tax",
            median(cpu["storm"]) / median(cpu["calm"]),
            interval(cpu["storm"], cpu["calm"]),
            target=2.0,
            unit="x calm",
            note=f"{median(cpu['storm']):.1f} us an event against {median(cpu['calm']):.1f}; "
            f"{sum(kills)} connections killed, {inexact} of {plan.streams} readers lost or doubled an event",
        )
    )


@contextlib.contextmanager
def storm(site: Site, kills: list[int]) -> Iterator[None]:
    """Every half second all subscriptions are killed; how many each time goes to ``kills``."""
    over = threading.Event()
    wire = RedisWire(site.settings.require_redis_url())

    def rage() -> None:
        while not over.wait(KILL_SECONDS):
            if killed := wire.call("CLIENT", "KILL", "TYPE", "pubsub"):
                kills.append(killed)

    thread = threading.Thread(target=rage)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        wire.close()
