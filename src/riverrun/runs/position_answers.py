"""What a client gets for a position in a run: the rest, a reset and the rest, or nothing because it has everything."""

from dataclasses import dataclass

from starlette.responses import Response

from riverrun.runs.continuation import find_continuation, recorded_end
from riverrun.runs.event_log import AsyncEventLog
from riverrun.runs.models import Run
from riverrun.streaming.cursor import Cursor
from riverrun.streaming.permits import Permit
from riverrun.streaming.reader_choice import StreamReader
from riverrun.streaming.redis_streaming import AsyncRedisStreamManager
from riverrun.streaming.run_log import RunLog


@dataclass(frozen=True, slots=True)
class PositionAnswers:
    """Answers positions. It needs no transaction: commit before, a stream must not hold one."""

    record: AsyncEventLog
    streams: AsyncRedisStreamManager
    run_log: RunLog
    reader: StreamReader

    async def answer(self, run: Run, cursor: Cursor, *, permit: Permit, name: str | None = None) -> Response:
        """The run's events after ``cursor``, live until its end or the permit's; 204 when nothing is missing.

        ``name`` is how the client calls the run, if not by its id.
        """
        continuation = await find_continuation(run, cursor, self.record, self.streams, self.run_log)
        if continuation is None:
            return Response(status_code=204)
        return await self.reader.open(
            run.id,
            continuation.position,
            permit=permit,
            headers=run_headers(run, name),
            reset=continuation.reset,
            known_top=recorded_end(run),
        )


def run_headers(run: Run, name: str | None = None) -> dict[str, str]:
    """How a client names the run when it comes back."""
    return {"x-run-id": str(run.id), "x-session-id": name or str(run.id)}
