"""Benchmark 10: how fast wake-ups reach the broker, and whether the loop ever waits for it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from statistics import median

from bench.arms.probe import PERIOD_SECONDS, Probe
from bench.arms.ways import WAYS, widen_default_pool
from bench.ratios import Ratio, interval
from bench.redis_wire import RedisWire
from bench.report import Report
from bench.site import Site
from riverrun.infra.celery_app import broker_url, configure_celery
from riverrun.infra.redis_clients import AsyncRedis, open_async_redis
from riverrun.infra.task_dispatch import TaskDispatcher, WakeUp, encode_message
from riverrun.kit.ids import new_uuid

QUEUE = "benchmark_enqueue"
AT_ONCE = 50
SLOWER = 10
"""Celery's own way gets a tenth of the wake-ups: it takes about as much longer for each."""
Send = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Enqueue:
    """How many wake-ups a round, and how long the broker keeps silent."""

    wake_ups: int = 2_000
    rounds: int = 7
    silent_ms: int = 500


def measure_enqueue_rate(site: Site, report: Report, plan: Enqueue) -> None:
    """One wake-up a call, as the outbox sends a lone one, against a bare LPUSH of the same bytes by the same driver."""
    wire = RedisWire(broker_url(site.settings))
    rates, blocked_ms = asyncio.run(enqueue(site, wire, plan))
    wire.call("DEL", QUEUE)
    wire.close()
    for arm, values in rates.items():
        report.note_level(
            arm, "enqueue", {"errors": 0, "a_second": values, "blocked_ms": blocked_ms.get(arm, 0.0)}
        )
    dispatched, raw = rates["riverrun"], rates["raw"]
    report.add(
        Ratio(
            "10",
            "enqueue rate",
            median(dispatched) / median(raw),
            interval(dispatched, raw),
            target=0.5,
            bound=">=",
            unit="x raw LPUSH",
            note=f"{median(dispatched):,.0f}/s against {median(raw):,.0f}/s",
        )
    )
    note = f"while the broker is silent for {plan.silent_ms} ms"
    own_ms = blocked_ms.pop("riverrun")
    report.add(Ratio("10", "loop blocked by a dispatch", own_ms, target=0.0, unit=" ms", note=note))
    for arm, arm_ms in blocked_ms.items():
        between = interval(rates[arm], dispatched)
        value = median(rates[arm]) / median(dispatched)
        words = f"Celery's send_task; loop blocked for {arm_ms:.0f} ms {note}"
        report.add(Ratio(f"10/{arm}", "enqueue rate", value, between, unit="x riverrun", note=words))


async def enqueue(
    site: Site, wire: RedisWire, plan: Enqueue
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Rates of all arms in turns, and the milliseconds for which each let the loop stand still beside a silent broker."""
    app = configure_celery(site.settings)
    broker = open_async_redis(broker_url(site.settings), max_connections=AT_ONCE)
    dispatcher = TaskDispatcher(app, broker)
    wake_up = WakeUp("riverrun.benchmark", QUEUE, new_uuid())
    message = encode_message(app, wake_up)

    async def dispatch() -> None:
        await dispatcher.send([wake_up])

    async def push() -> None:
        await broker.lpush(QUEUE, message)

    def by_celery() -> None:
        app.send_task(wake_up.task, kwargs={"run_id": str(wake_up.run_id)}, queue=QUEUE, ignore_result=True)

    sends: dict[str, Send] = {"raw": push, "riverrun": dispatch}
    sends |= {arm: partial(way, by_celery) for arm, way in WAYS.items()}
    widen_default_pool()
    rates: dict[str, list[float]] = {arm: [] for arm in sends}
    try:
        for send in sends.values():
            await rate(send, AT_ONCE)
        for _ in range(plan.rounds):
            for arm, send in sends.items():
                times = plan.wake_ups // SLOWER if arm in WAYS else plan.wake_ups
                rates[arm].append(await rate(send, times))
                wire.call("DEL", QUEUE)
        blocked_ms = {
            arm: await blocked_beside_silence(send, broker, plan.silent_ms)
            for arm, send in sends.items()
            if arm != "raw"
        }
        return rates, blocked_ms
    finally:
        await broker.aclose()


async def rate(send: Send, times: int) -> float:
    """Calls a second, some at once."""
    left = iter(range(times))

    async def keep_sending() -> None:
        for _ in left:
            await send()

    began = time.perf_counter()
    await asyncio.gather(*(keep_sending() for _ in range(AT_ONCE)))
    return times / (time.perf_counter() - began)


async def blocked_beside_silence(dispatch: Send, broker: AsyncRedis, silent_ms: int) -> float:
    """Milliseconds for which the loop stood still while one dispatch waited for the broker."""
    probe = Probe()
    probe.watch()
    await broker.execute_command("CLIENT", "PAUSE", silent_ms, "ALL")
    probe.take()
    began = time.perf_counter()
    await dispatch()
    waited_ms = (time.perf_counter() - began) * 1e3
    await asyncio.sleep(2 * PERIOD_SECONDS)  # until the probe has seen what this did to the loop
    if waited_ms < silent_ms / 2:
        raise RuntimeError(f"the broker was not silent: it answered after {waited_ms:.0f} ms")
    blocked_ms = probe.take()["blocked_ms"]
    probe.stop()
    return blocked_ms
