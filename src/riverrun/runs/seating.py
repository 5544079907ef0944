"""Where each of many runs goes on for one reader."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from riverrun.kit.problem import NotFound
from riverrun.runs.continuation import find_continuation, recorded_end
from riverrun.runs.event_log import AsyncEventLog
from riverrun.runs.models import Run
from riverrun.streaming.multiplex import Seat
from riverrun.streaming.redis_streaming import AsyncRedisStreamManager
from riverrun.streaming.run_log import RunLog
from riverrun.streaming.wanted_runs import WantedRun


async def find_seats(
    wanted: Iterable[WantedRun],
    runs: Mapping[UUID, Run],
    record: AsyncEventLog,
    streams: AsyncRedisStreamManager,
    run_log: RunLog,
) -> list[Seat]:
    """One seat for each wanted run, in their order. One that is not in ``runs`` is told so; the others go on."""
    return [await _find_seat(one, runs.get(one.run_id), record, streams, run_log) for one in wanted]


async def _find_seat(
    wanted: WantedRun,
    run: Run | None,
    record: AsyncEventLog,
    streams: AsyncRedisStreamManager,
    run_log: RunLog,
) -> Seat:
    if wanted.cursor is None:
        return Seat(wanted.run_id, wanted.given)
    if run is None:
        return Seat(wanted.run_id, wanted.given, problem=NotFound())
    found = await find_continuation(run, wanted.cursor, record, streams, run_log)
    if found is None:
        return Seat(run.id, wanted.given)
    return Seat(run.id, wanted.given, position=found.position, reset=found.reset, known_top=recorded_end(run))
