"""Every scenario on every arm at every level, round by round in turns."""

import contextlib
import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.figures import p95
from bench.http_wire import open_wire
from bench.load import WARM_UP, Address, Level, Load, open_load
from bench.ratios import AGREEMENT, SEED, Ratio, apart
from bench.report import Report
from bench.round_bootstrap import FEWEST_ROUNDS, Figure, ratio_interval
from bench.scenario import Scenario

NATIVE = "riverrun"
AGAIN = "riverrun again"
"""The native arm's twin: how far the two are apart is how far the figures can be trusted."""
BLOCKING_WITHIN = 0.20
"""How far the blocking arm may be from the native one while nothing is concurrent; else it is no form of the same."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many requests at once, and how often.

    ``patience`` is for how many seconds in all rounds are added to the highest levels whose A/A pair does not agree.
    """

    concurrency: Sequence[int] = (10, 20, 50)
    rounds: int = FEWEST_ROUNDS
    patience: float = 0.0
    lone_rounds: int = 40
    warm_up: int = WARM_UP


@dataclass(slots=True)
class Patience:
    """For how many seconds more rounds may be added; whoever adds one uses it up."""

    seconds: float = 0.0


NONE = Patience()


async def measure_levels(
    arms: Mapping[str, Address], scenarios: Sequence[Scenario], plan: Plan, report: Report
) -> None:
    """Fill the report with levels ``<scenario>@<concurrency>`` and with each arm's ratio to the native one."""
    patience = Patience(plan.patience)
    for scenario in scenarios:
        served = await same_bytes(arms, scenario)
        await check_lone(served, scenario, plan, report)
        *lower, highest = scenario.levels(plan.concurrency)
        for concurrency in (*lower, highest):
            may_go_on = patience if concurrency == highest else NONE
            levels = await play(served, scenario, concurrency, plan.rounds, plan.warm_up, may_go_on)
            for arm, level in levels.items():
                report.tell_level(arm, f"{scenario.name}@{concurrency}", level.as_dict())
        check_twins(levels, f"{scenario.name}@{highest}", report)
        compare(levels, f"{scenario.name}@{highest}", report)


async def same_bytes(arms: Mapping[str, Address], scenario: Scenario) -> Mapping[str, Address]:
    """Teach the raw arm the native arm's answer. A question's stream cannot be played raw."""
    if "raw" not in arms or NATIVE not in arms or scenario.is_stream:
        return {name: address for name, address in arms.items() if name != "raw"}
    native, raw = arms[NATIVE], arms["raw"]
    wire = await open_wire(native.host, native.port)
    [request] = scenario.requests(1, native.host, native.authorization)
    answer = await wire.ask(request)
    wire.close()
    lesson = Scenario("lesson", f"/{scenario.status}", scenario.shape, "PUT", answer.body)
    wire = await open_wire(raw.host, raw.port)
    await wire.ask(*lesson.requests(1, raw.host, ""))
    wire.close()
    return arms


def check_twins(levels: Mapping[str, Level], where: str, report: Report) -> None:
    """The A/A pair at the highest level, where there are the most requests."""
    if (gap := twins_gap(levels)) > AGREEMENT:
        report.reject(f"{where}: the A/A pair is {gap:.0%} apart")


def twins_gap(levels: Mapping[str, Level]) -> float:
    """How far the A/A pair is apart; 0 where it did not play or was never right."""
    pair = [levels[name].latencies for name in (NATIVE, AGAIN) if name in levels]
    return apart(*pair) if len(pair) == 2 and all(pair) else 0.0


async def check_lone(arms: Mapping[str, Address], scenario: Scenario, plan: Plan, report: Report) -> None:
    """Without concurrency the blocking arm must be as fast as the native one."""
    pair = {name: arms[name] for name in (NATIVE, "blocking") if name in arms}
    if len(pair) < 2:
        return
    levels = await play(pair, scenario, 1, plan.lone_rounds, plan.warm_up)
    for arm, level in levels.items():
        report.note_level(arm, f"{scenario.name}@1", level.as_dict())
    if not all(level.latencies for level in levels.values()):
        report.reject(f"{scenario.name}: an arm alone had no right answer")
        return
    slower = median(levels["blocking"].latencies) / median(levels[NATIVE].latencies) - 1
    if slower > BLOCKING_WITHIN:
        report.reject(f"{scenario.name}: the blocking arm alone is {slower:+.0%} from the native one")


async def play(
    arms: Mapping[str, Address],
    scenario: Scenario,
    concurrency: int,
    rounds: int,
    warm_up: int = WARM_UP,
    patience: Patience = NONE,
    in_a_row: int = 1,
    seed: int = SEED,
) -> dict[str, Level]:
    """A warm-up, then round by round each arm once, and on until the A/A pair agrees or the patience is over.

    Each arm's turn has so many of the rounds ``in_a_row``; ``rounds`` counts them all. Another ``seed``, other orders.
    """
    async with contextlib.AsyncExitStack() as stack:
        loads = {
            name: await stack.enter_async_context(open_load(address, scenario, concurrency))
            for name, address in arms.items()
        }
        for load in loads.values():
            await load.warm_up(warm_up)
        levels = {name: load.level for name, load in loads.items()}
        turns = turns_of(list(loads.values()), seed)
        for _ in range(rounds // in_a_row):
            await play_turns(next(turns), in_a_row)
        while twins_gap(levels) > AGREEMENT and patience.seconds > 0:
            began = time.monotonic()
            await play_turns(next(turns), in_a_row)
            patience.seconds -= time.monotonic() - began
        return levels


def turns_of(loads: Sequence[Load], seed: int = SEED) -> Iterator[Sequence[Load]]:
    """Round by round another order, since whose turn is after whose makes a difference; the same for the same seed."""
    dice = random.Random(seed)
    while True:
        orders = balanced_orders(dice.sample(loads, len(loads)))
        yield from dice.sample(orders, len(orders))


def balanced_orders(loads: Sequence[Load]) -> list[list[Load]]:
    """In which each has each place, and is right after each other one, equally often.

    As many as there are arms, or twice as many where their number is odd (Williams, "Experimental Designs Balanced for the
    Estimation of Residual Effects of Treatments", 1949).
    """
    count = len(loads)
    zigzag = [(place + 1) // 2 if place % 2 else -(place // 2) for place in range(count)]
    orders = [[loads[(first + step) % count] for step in zigzag] for first in range(count)]
    return orders if count % 2 == 0 else [*orders, *(order[::-1] for order in orders)]


async def play_turns(loads: Iterable[Load], in_a_row: int) -> None:
    """Each arm's, one after the other."""
    for load in loads:
        for _ in range(in_a_row):
            await load.play_round()


def compare(levels: Mapping[str, Level], where: str, report: Report) -> None:
    """At the highest level: each arm's median to the native one's, and p95 of what was made of the blocking arm to its own."""
    answered = {arm: level for arm, level in levels.items() if level.latencies}
    for arm in (arm for arm in answered if arm != NATIVE and NATIVE in answered):
        tell_ratio(answered, where, (arm, NATIVE), ("median latency", median), report)
    for arm in (arm for arm in (NATIVE, "plan") if {arm, "blocking"} <= answered.keys()):
        tell_ratio(answered, where, (arm, "blocking"), ("p95 latency", p95), report)


def tell_ratio(
    levels: Mapping[str, Level], where: str, arms: tuple[str, str], named: tuple[str, Figure], report: Report
) -> None:
    """A figure of the first arm to that of the second."""
    over, under = (levels[arm] for arm in arms)
    name, figure = named
    value = figure(over.latencies) / figure(under.latencies)
    between = ratio_interval(over.rounds, under.rounds, figure)
    report.add(Ratio(f"{where}/{arms[0]}", name, value, between, unit=f"x {arms[1]}"))
