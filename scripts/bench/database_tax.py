"""Benchmark 9: a batch of events recorded as the product does it, against the same SQL by the driver alone."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.arm_levels import AGAIN, NATIVE
from bench.ratios import AGREEMENT, Ratio, apart, interval
from bench.report import Report
from bench.site import Site
from riverrun.infra.database import open_async_engine
from riverrun.runs.statements import RECORD_EVENTS, event_columns
from riverrun.streaming.cursor import Position
from riverrun.streaming.events import Event, EventType

RAW = "raw"
ROW_BY_ROW = "executemany"
TARGET = 0.75
WORDS = "some words of an answer "
INTO = "INSERT INTO run_events (run_id, seq, attempt, type, data)"
BY_COLUMNS = f"{INTO} SELECT $1::uuid, * FROM unnest($2::int[], $3::int[], $4::text[], $5::text[]) ON CONFLICT DO NOTHING"
BY_ROWS = f"{INTO} VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"
Record = Callable[[UUID, Sequence[Event]], Awaitable[None]]
"""Stores a batch of one run's events in one transaction."""


@dataclass(frozen=True, slots=True)
class Batches:
    """How many events a transaction, and how many transactions a round."""

    events: int = 100
    transactions: int = 30
    rounds: int = 9


def measure_database_tax(site: Site, report: Report, plan: Batches) -> None:
    """Rows a second: SQLAlchemy Core over asyncpg, twice as an A/A pair, and asyncpg with the same statement, and row by row."""
    seconds = asyncio.run(play_in_turns(site, plan))
    rows = plan.events * plan.transactions
    for arm, values in seconds.items():
        rates = [rows / one for one in values]
        report.note_level(arm, f"{plan.events} rows at once", {"errors": 0, "rows_a_second": rates})
    if (gap := apart(seconds[NATIVE], seconds[AGAIN])) > AGREEMENT:
        report.reject(f"benchmark 9: the A/A pair is {gap:.0%} apart")
    raw, native, by_rows = seconds[RAW], seconds[NATIVE], seconds[ROW_BY_ROW]
    report.add(
        Ratio(
            "9",
            f"database tax, {plan.events} rows at once",
            median(raw) / median(native),
            interval(raw, native),
            target=TARGET,
            bound=">=",
            unit="x asyncpg",
            note=f"{rows / median(native):,.0f} rows/s against {rows / median(raw):,.0f}",
        )
    )
    report.add(
        Ratio(
            "9",
            f"{plan.events} rows at once",
            median(by_rows) / median(native),
            interval(by_rows, native),
            unit="x asyncpg's executemany",
            note=f"{rows / median(by_rows):,.0f} rows/s row by row",
        )
    )


async def play_in_turns(site: Site, plan: Batches) -> dict[str, list[float]]:
    """The seconds of each round, by arm. A round has a run of its own, and the first round of an arm does not count."""
    url = site.settings.require_database_url()
    engine = open_async_engine(url, pool_size=1)
    connection = await asyncpg.connect(url.replace("+asyncpg", ""), ssl=False)
    by_core = core(engine)
    arms: dict[str, Record] = {
        RAW: by_columns(connection),
        ROW_BY_ROW: by_rows(connection),
        NATIVE: by_core,
        AGAIN: by_core,
    }
    seconds: dict[str, list[float]] = {arm: [] for arm in arms}
    try:
        for _ in range(plan.rounds + 1):
            for arm, record in arms.items():
                run_id = UUID(*site.new_runs(1))
                seconds[arm].append(await play(record, run_id, batches_of(plan)))
    finally:
        await connection.close()
        await engine.dispose()
    return {arm: values[1:] for arm, values in seconds.items()}


async def play(record: Record, run_id: UUID, batches: Sequence[Sequence[Event]]) -> float:
    """Seconds for all batches, one after the other."""
    began = time.perf_counter()
    for events in batches:
        await record(run_id, events)
    return time.perf_counter() - began


def batches_of(plan: Batches) -> list[list[Event]]:
    """Events of one run, in order."""
    events = [
        Event.create(Position(1, number), EventType.TEXT, {"text": WORDS})
        for number in range(1, plan.events * plan.transactions + 1)
    ]
    return [events[start : start + plan.events] for start in range(0, len(events), plan.events)]


def core(engine: AsyncEngine) -> Record:
    """The product's statement through its engine."""

    async def record(run_id: UUID, events: Sequence[Event]) -> None:
        async with engine.begin() as connection:
            await connection.execute(RECORD_EVENTS, event_columns(run_id, events))

    return record


def by_columns(connection: Any) -> Record:
    """The product's statement by the driver alone."""

    async def record(run_id: UUID, events: Sequence[Event]) -> None:
        async with connection.transaction():
            await connection.execute(BY_COLUMNS, *event_columns(run_id, events).values())

    return record


def by_rows(connection: Any) -> Record:
    """One row of parameters an event."""

    async def record(run_id: UUID, events: Sequence[Event]) -> None:
        rows = [
            (run_id, one.position.seq, one.position.attempt, one.type, one.data.decode()) for one in events
        ]
        async with connection.transaction():
            await connection.executemany(BY_ROWS, rows)

    return record
