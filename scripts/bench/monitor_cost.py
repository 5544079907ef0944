"""What the event-loop monitor costs a request, and how often it raises an alarm where nothing blocks."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import orjson

from bench.arm_levels import AGAIN, NATIVE, play
from bench.arm_server import HOST, open_servers
from bench.capacity import Mix, open_mixed_stage
from bench.http_wire import Answer, open_wire
from bench.load import Address
from bench.mixed_traffic import signed_in, traffic_of
from bench.open_loop import OpenLoop, Outcome
from bench.ratios import Ratio
from bench.report import Report
from bench.request_tax import cpu_seconds
from bench.round_bootstrap import Rounds, ratio_interval
from bench.scenario import Scenario, has_fields
from bench.site import Site

NUMBER = "monitor"
UNWATCHED = "unwatched"
UNWATCHED_AGAIN = "unwatched again"
PROGRAMS = {
    NATIVE: NATIVE,
    UNWATCHED: UNWATCHED,
    AGAIN: NATIVE,
    UNWATCHED_AGAIN: UNWATCHED,
}
FOUND = Scenario("loop", "/-/loop", has_fields("stalls", "machine_stalls"))
FORGET = Scenario("forget", "/-/loop", bool, "DELETE", status=204)
WARM_UP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Watch:
    """How often servers are started, how often they are asked then, how many at once, and how many times in a row; then how
    long, and how much a second, while alarms are counted.

    In a row, since a server that was left alone for 0.1 s before each of its rounds is not at work: caches are cold, and it
    pays for the heartbeat of a loop that waits.
    """

    at_once: int = 20
    starts: int = 20
    rounds: int = 200
    in_a_row: int = 10
    quiet_seconds: float = 600.0
    per_second: float = 20.0


def measure_cost(site: Site, report: Report, scenario: Scenario, plan: Watch) -> None:
    """CPU of the servers for the same requests, with the monitor and without, in turns.

    Two processes of the same program are apart by a percent or two for as long as they live. So there are many of both kinds,
    and the interval is one of starts, not of rounds.
    """
    starts = [cost_of_a_start(number, site, report, scenario, plan) for number in range(1, plan.starts + 1)]

    def compare(over: Sequence[str], under: Sequence[str], what: str, target: float | None = None) -> None:
        report.add(ratio_of(used_by(over, starts), used_by(under, starts), what, under[0], target))

    compare((NATIVE, AGAIN), (UNWATCHED, UNWATCHED_AGAIN), f"CPU of {scenario.name}", target=1.02)
    compare((AGAIN,), (NATIVE,), f"CPU of {scenario.name}, riverrun again")
    compare((UNWATCHED_AGAIN,), (UNWATCHED,), f"CPU of {scenario.name}, unwatched again")


def cost_of_a_start(
    number: int, site: Site, report: Report, scenario: Scenario, plan: Watch
) -> dict[str, Sequence[float]]:
    """What each new server used in each round. Each start has another order of servers, and of their turns."""
    programs = dict(random.Random(number).sample(list(PROGRAMS.items()), len(PROGRAMS)))
    with open_servers(programs, site.settings) as servers:
        arms = {
            name: Address(HOST, server.port, signed_in(site.token), server)
            for name, server in servers.items()
        }
        levels = asyncio.run(
            play(arms, scenario, plan.at_once, plan.rounds, in_a_row=plan.in_a_row, seed=number)
        )
    for name, level in levels.items():
        report.note_level(name, f"{scenario.name}@{plan.at_once}, start {number}", level.as_dict())
    return {name: cpu_seconds(level) for name, level in levels.items()}


def used_by(arms: Sequence[str], starts: Sequence[dict[str, Sequence[float]]]) -> Rounds:
    """By these arms together, start by start."""
    return [[seconds for arm in arms for seconds in start[arm]] for start in starts]


def ratio_of(over: Rounds, under: Rounds, what: str, unit: str, target: float | None) -> Ratio:
    """All the CPU of the one side, the rare and dear rounds too, over that of the other, which was asked as often."""
    means = [fmean(seconds for start in side for seconds in start) for side in (over, under)]
    return Ratio(
        NUMBER,
        what,
        means[0] / means[1],
        ratio_interval(over, under, fmean),
        target=target,
        unit=f"x {unit}",
        note=f"{len(over)} starts of {len(over[0])} rounds",
    )


def count_alarms(site: Site, report: Report, plan: Watch) -> None:
    """Mixed requests at a rate that is borne with ease: whatever is an alarm then is a false one.

    Those of the start do not count.
    """
    mix = Mix()
    with open_mixed_stage(site, mix) as stage, open_servers({NATIVE: NATIVE}, site.settings) as servers:
        address = Address(HOST, servers[NATIVE].port, signed_in(site.token), servers[NATIVE])
        loop = OpenLoop(address)
        traffic = traffic_of(stage.subjects, site.token, mix.outside_seconds)

        async def play_and_ask() -> dict[str, Any]:
            await loop.play(traffic, plan.per_second, min(plan.quiet_seconds, WARM_UP_SECONDS))
            await ask(FORGET, address)
            outcome = await loop.play(traffic, plan.per_second, plan.quiet_seconds)
            loop.close()
            report.note_level(NATIVE, f"{plan.per_second:g} requests a second", seen_in(outcome))
            if outcome.is_given_up:
                report.reject("monitor: the quiet minutes broke off, since too many requests waited")
            found: dict[str, Any] = orjson.loads((await ask(FOUND, address)).body)
            return found

        found = asyncio.run(play_and_ask())
    lines = [f"{stall['endpoint']} {stall['line']}" for stall in found.get("worst", ())]
    report.add(
        Ratio(
            NUMBER,
            f"alarms in {plan.quiet_seconds / 60:.1f} quiet minutes",
            found["stalls"],
            target=0,
            unit="",
            note="; ".join([f"{found['machine_stalls']} times the machine gave it no CPU", *lines]),
        )
    )


def seen_in(outcome: Outcome) -> dict[str, Any]:
    """For JSON."""
    return {
        "requests": len(outcome.all),
        "errors": sum(outcome.errors.values()),
        "first_error": next(iter(outcome.errors), ""),
        "p95_ms": outcome.p(95),
    }


async def ask(scenario: Scenario, address: Address) -> Answer:
    """Once, on a connection of its own.

    Raises:
        RuntimeError: the answer has another status.
    """
    wire = await open_wire(address.host, address.port)
    [request] = scenario.requests(1, address.host, address.authorization)
    answer = await wire.ask(request)
    wire.close()
    if answer.status != scenario.status:
        raise RuntimeError(f"{scenario.name}: {answer.status} {answer.body.decode(errors='replace')}")
    return answer
