"""Benchmark 13: what a poll costs when Redis holds a million keys of other runs."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from uuid import UUID

from bench.arm_levels import play
from bench.arm_server import HOST, ArmServer
from bench.load import Address
from bench.ratios import Ratio, interval
from bench.redis_wire import RedisWire
from bench.report import Report
from bench.scenario import Scenario
from bench.site import Site
from riverrun.infra.redis_clients import database_of
from riverrun.streaming.commands import status_key

CROWDED_DATABASE = 3
KEYS_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Polls:
    """How many keys each side has, and how often each is asked."""

    few: int = 10
    many: int = 1_000_000
    asked: int = 60
    rounds: int = 7


def measure_poll_cost(site: Site, report: Report, scenarios: Sequence[Scenario], plan: Polls) -> None:
    """Two servers that differ in nothing but the logical database, one of which is crowded."""
    url = site.settings.require_redis_url()
    crowded = database_of(url, CROWDED_DATABASE)
    fill(url, plan.few)
    fill(crowded, plan.many)
    with contextlib.ExitStack() as stack:
        arms = {}
        for name, redis_url in (("few keys", url), ("many keys", crowded)):
            settings = site.settings.model_copy(
                update={"redis_url": redis_url, "broker_url": database_of(url, 1)}
            )
            server = stack.enter_context(ArmServer("riverrun", settings))
            arms[name] = Address(HOST, server.port, f"Authorization: Bearer {site.token}\r\n", server)
        for scenario in scenarios:
            medians = asyncio.run(ask_in_turns(arms, scenario, plan, report))
            report.add(
                Ratio(
                    "13",
                    f"{scenario.name} at {plan.many:,} keys",
                    median(medians["many keys"]) / median(medians["few keys"]),
                    interval(medians["many keys"], medians["few keys"]),
                    target=1.1,
                    unit=f"x at {plan.few} keys",
                    note=f"{median(medians['many keys']) * 1e3:.2f} ms "
                    f"against {median(medians['few keys']) * 1e3:.2f}",
                )
            )


async def ask_in_turns(
    arms: dict[str, Address], scenario: Scenario, plan: Polls, report: Report
) -> dict[str, list[float]]:
    """The median seconds of each round, by arm."""
    medians: dict[str, list[float]] = {name: [] for name in arms}
    for number in range(plan.rounds):
        levels = await play(arms, scenario, 1, plan.asked)
        for name, level in levels.items():
            report.note_level(name, f"{scenario.name}, round {number + 1}", level.as_dict())
            medians[name].append(median(level.latencies))
    return medians


def fill(redis_url: str, keys: int) -> None:
    """So many keys of runs that nobody asks for."""
    wire = RedisWire(redis_url)
    for start in range(0, keys, KEYS_AT_ONCE):
        names = (status_key(UUID(int=number)) for number in range(start, min(start + KEYS_AT_ONCE, keys)))
        wire.call("MSET", *(word for name in names for word in (name, "running")))
    wire.close()
