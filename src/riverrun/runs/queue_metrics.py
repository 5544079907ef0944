"""What waits to be done, as Postgres and the broker know it: the same figures whichever API process is asked."""

import asyncio
import logging
from collections.abc import Awaitable, Iterator, Sequence
from typing import Any, TypeVar

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from riverrun.infra.task_dispatch import TaskDispatcher
from riverrun.runs.line_statements import ACTIVE, IS_FIRST_IN_LINE
from riverrun.runs.models import OutboxEntry, Run

PATIENCE_SECONDS = 2.0
Answer = TypeVar("Answer")
Rows = Sequence[Any]

logger = logging.getLogger(__name__)


def active_runs() -> Select[str, str, int, float]:
    """``(kind, status, runs, oldest)``: how many runs are not over, and the seconds since the first was accepted."""
    oldest = func.extract("epoch", func.now() - func.min(Run.created_at)).label("oldest")
    return (
        select(Run.kind, Run.status, func.count().label("runs"), oldest)
        .where(Run.status.in_(ACTIVE))
        .group_by(Run.kind, Run.status)
    )


def wake_ups() -> Select[str, int, int, int, float]:
    """``(queue, sent, unsent, in_line, oldest)``, of runs that are not over.

    ``unsent`` should have left, ``oldest`` seconds ago the first of them; ``in_line`` are those whose turn it is not.
    """
    has_left = OutboxEntry.sent_at.is_not(None)
    is_due = and_(OutboxEntry.sent_at.is_(None), IS_FIRST_IN_LINE)
    first = func.min(OutboxEntry.created_at).filter(is_due)
    return (
        select(
            OutboxEntry.queue,
            func.count().filter(has_left).label("sent"),
            func.count().filter(is_due).label("unsent"),
            func.count().filter(and_(~has_left, ~IS_FIRST_IN_LINE)).label("in_line"),
            func.coalesce(func.extract("epoch", func.now() - first), 0).label("oldest"),
        )
        .join(Run, Run.id == OutboxEntry.run_id)
        .group_by(OutboxEntry.queue)
    )


class QueueMetrics:
    """Asks both servers at each scrape. One that is away, or slow, is said to be down, and what only it knows is left out."""

    def __init__(self, engine: AsyncEngine, dispatcher: TaskDispatcher, queues: Sequence[str]) -> None:
        self._engine = engine
        self._dispatcher = dispatcher
        self._queues = queues

    async def families(self) -> list[Metric]:
        """For a scrape; takes as long as an answer of Postgres, two seconds at most."""
        rows, lengths = await asyncio.gather(
            _in_time(self._ask_postgres()), _in_time(self._dispatcher.waiting(self._queues))
        )
        up = GaugeMetricFamily(
            "riverrun_server_up", "1 if the server answered this scrape in time", labels=("server",)
        )
        up.add_metric(("postgres",), int(rows is not None))
        up.add_metric(("broker",), int(lengths is not None))
        runs, entries = rows or ((), ())
        return [up, *_run_families(runs), *_outbox_families(entries), _queue_family(lengths or {})]

    async def _ask_postgres(self) -> tuple[Rows, Rows]:
        async with self._engine.connect() as connection:
            runs: Rows = (await connection.execute(active_runs())).all()
            entries: Rows = (await connection.execute(wake_ups())).all()
            return runs, entries


async def _in_time(question: Awaitable[Answer]) -> Answer | None:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await question
    except Exception as error:
        logger.warning("a scrape lacks figures: %s", error)
        return None


def _run_families(rows: Rows) -> Iterator[Metric]:
    active = GaugeMetricFamily(
        "riverrun_runs_active", "Runs that are queued or running", labels=("kind", "status")
    )
    oldest = GaugeMetricFamily(
        "riverrun_runs_oldest_seconds",
        "Time since the first of these runs was accepted",
        labels=("kind", "status"),
    )
    for row in rows:
        active.add_metric((row.kind, row.status), row.runs)
        oldest.add_metric((row.kind, row.status), row.oldest)
    yield from (active, oldest)


def _outbox_families(rows: Rows) -> Iterator[Metric]:
    depth = GaugeMetricFamily(
        "riverrun_outbox_wake_ups",
        "Wake-ups of runs that are not over: sent, to be sent, or not yet to be sent",
        labels=("queue", "state"),
    )
    oldest = GaugeMetricFamily(
        "riverrun_outbox_oldest_unsent_seconds",
        "Age of the oldest wake-up that is to be sent",
        labels=("queue",),
    )
    for row in rows:
        for state in ("sent", "unsent", "in_line"):
            depth.add_metric((row.queue, state), row._mapping[state])
        oldest.add_metric((row.queue,), row.oldest)
    yield from (depth, oldest)


def _queue_family(lengths: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(
        "riverrun_queue_messages", "Messages that wait in the broker for a worker", labels=("queue",)
    )
    for queue, length in lengths.items():
        family.add_metric((queue,), length)
    return family
