"""Benchmark 10: how fast wake-ups reach the broker, and whether the loop ever waits for it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median

from bench.arms.probe import Probe
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


@dataclass(frozen=True, slots=True)
class Enqueue:
    """How many wake-ups a round, and how long the broker keeps silent."""

    wake_ups: int = 2_000
    rounds: int = 7
    silent_ms: int = 500


def measure_enqueue_rate(site: Site, report: Report, plan: Enqueue) -> None:
    """One wake-up a call, as the outbox sends a lone one, against a bare LPUSH of the same bytes by the same driver."""
    wire = RedisWire(broker_url(site.settings))
    dispatched, raw, blocked_ms = asyncio.run(enqueue(site, wire, plan))
    wire.call("DEL", QUEUE)
    wire.close()
    report.note_level("riverrun", "enqueue", {"errors": 0, "a_second": dispatched, "blocked_ms": blocked_ms})
    report.note_level("raw", "enqueue", {"errors": 0, "a_second": raw})
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
    report.add(Ratio("10", "loop blocked by a dispatch", blocked_ms, target=0.0, unit=" ms", note=note))


async def enqueue(site: Site, wire: RedisWire, plan: Enqueue) -> tuple[list[float], list[float], float]:
    """Rates of both in turns, and the milliseconds for which the loop stood still beside a silent broker."""
    app = configure_celery(site.settings)
    broker = open_async_redis(broker_url(site.settings), max_connections=AT_ONCE)
    dispatcher = TaskDispatcher(app, broker)
    wake_up = WakeUp("riverrun.benchmark", QUEUE, new_uuid())
    message = encode_message(app, wake_up)

    async def dispatch() -> None:
        await dispatcher.send([wake_up])

    async def push() -> None:
        await broker.lpush(QUEUE, message)

    dispatched, raw = [], []
    try:
        await rate(dispatch, AT_ONCE)
        for _ in range(plan.rounds):
            raw.append(await rate(push, plan.wake_ups))
            dispatched.append(await rate(dispatch, plan.wake_ups))
            wire.call("DEL", QUEUE)
        return dispatched, raw, await blocked_beside_silence(dispatch, broker, plan.silent_ms)
    finally:
        await broker.aclose()


async def rate(send: Callable[[], Awaitable[None]], times: int) -> float:
    """Calls a second, some at once."""
    left = iter(range(times))

    async def keep_sending() -> None:
        for _ in left:
            await send()

    began = time.perf_counter()
    await asyncio.gather(*(keep_sending() for _ in range(AT_ONCE)))
    return times / (time.perf_counter() - began)


async def blocked_beside_silence(
    dispatch: Callable[[], Awaitable[None]], broker: AsyncRedis, silent_ms: int
) -> float:
    """Milliseconds for which the loop stood still while one dispatch waited for the broker."""
    probe = Probe()
    probe.watch()
    await broker.execute_command("CLIENT", "PAUSE", silent_ms, "ALL")
    probe.take()
    began = time.perf_counter()
    await dispatch()
    waited_ms = (time.perf_counter() - began) * 1e3
    if waited_ms < silent_ms / 2:
        raise RuntimeError(f"the broker was not silent: it answered after {waited_ms:.0f} ms")
    blocked_ms = probe.take()["blocked_ms"]
    probe.stop()
    return blocked_ms
