"""Runs as the API handles them: created with their first event and their wake-up, and stopped."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.infra.task_dispatch import WakeUp
from riverrun.infra.tracing import begin_trace_of
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.runs import line_statements, statements
from riverrun.runs.channels import EndedRun
from riverrun.runs.errors import LineFull, SubjectBusy
from riverrun.runs.event_log import QUEUED, decode_rows
from riverrun.runs.models import IfBusy, Run, RunKind, RunStatus
from riverrun.streaming.commands import PAGE_EVENTS
from riverrun.streaming.cursor import Position
from riverrun.streaming.events import Event, EventType
from riverrun.streaming.snapshot import LogFold, Snapshot

AsyncRecorder = Callable[[AsyncSession, Run, Snapshot], Awaitable[dict[str, Any] | None]]
"""Writes what a run that the API ends has made so far, in that transaction; returns the receipt's part of it. It may delete
the run: then its readers are still told the end, and nothing stays of it.
"""


async def record_nothing(_session: AsyncSession, _run: Run, _snapshot: Snapshot) -> None:
    """The recorder of runs whose work is stored as it is done."""


@dataclass(frozen=True, slots=True)
class StoppedRuns:
    """Runs that were told to stop. Those of them that no worker held are over: ``ended``."""

    runs: Sequence[Run] = ()
    ended: Sequence[EndedRun] = ()

    @property
    def still_running(self) -> Sequence[UUID]:
        """Those that their workers are to end."""
        over = {run.run_id for run in self.ended}
        return [run.id for run in self.runs if run.id not in over]


@dataclass(frozen=True, slots=True)
class CreatedRun:
    """A run, and what is to be told once it is committed.

    No wake-up for a run that waits for its turn, or that was there already: ``is_new`` tells which. ``stopped`` had to
    make way for it.
    """

    run: Run
    wake_up: WakeUp | None
    is_new: bool = True
    stopped: StoppedRuns = field(default_factory=StoppedRuns)


class AsyncRunService:
    """Works in the caller's transaction."""

    def __init__(self, session: AsyncSession, record: AsyncRecorder = record_nothing) -> None:
        self._session = session
        self._record = record

    async def find(self, user_id: UUID, subject_id: UUID, idempotency_key: str | None) -> CreatedRun | None:
        """The run that an earlier request of the user with the same key made for the subject."""
        if idempotency_key is None:
            return None
        run = await self._session.scalar(statements.run_of_key(user_id, subject_id, idempotency_key))
        return None if run is None else CreatedRun(run, None, is_new=False)

    async def create(
        self,
        *,
        kind: RunKind,
        subject_id: UUID,
        user_id: UUID,
        owner_id: UUID,
        payload: dict[str, Any],
        task: str,
        queue: str,
        idempotency_key: str | None = None,
        if_busy: IfBusy = IfBusy.REJECT,
        most_waiting: int = 0,
    ) -> CreatedRun:
        """Create a queued run with its first event and its wake-up. ``owner_id`` is the subject's.

        The caller holds a lock on the subject's row: that is what puts its runs in a line. With ``IfBusy.ENQUEUE`` at
        most ``most_waiting`` runs wait behind the one that is worked on.

        Raises:
            SubjectBusy: another run works on the subject, and ``if_busy`` is to reject.
            LineFull: too many runs wait.
        """
        active = (await self._session.scalars(line_statements.active_runs_of(subject_id))).all()
        if active and if_busy is IfBusy.REJECT:
            raise SubjectBusy(active[0].id)
        if len(active) > most_waiting and if_busy is IfBusy.ENQUEUE:
            raise LineFull(most_waiting)
        stopped = StoppedRuns()
        if active and if_busy is not IfBusy.ENQUEUE:
            stopped = await self.stop_all(subject_id, rolls_back=if_busy is IfBusy.ROLLBACK)
        run = await self._insert(
            task,
            queue,
            kind=kind,
            subject_id=subject_id,
            user_id=user_id,
            owner_id=owner_id,
            payload=payload,
            idempotency_key=idempotency_key,
        )
        is_next = not active or await self._is_first_in_line(run)
        return CreatedRun(run, WakeUp(task, queue, run.id) if is_next else None, stopped=stopped)

    async def stop_all(self, subject_id: UUID, *, rolls_back: bool) -> StoppedRuns:
        """Stop every run of a subject whose row the caller has locked: first that row, then its runs, is the order of
        all who lock both. The last comes first, so that none of them begins meanwhile.
        """
        runs = await self.lock_line(subject_id)
        stopped = [await self.request_stop(run, rolls_back=rolls_back) for run in reversed(runs)]
        return StoppedRuns(runs, [run for run in stopped if run is not None])

    async def lock_line(self, subject_id: UUID) -> Sequence[Run]:
        """Lock the runs under way on a subject whose row the caller has locked, in the order in which they came."""
        locked = line_statements.active_runs_of(subject_id).with_for_update()
        return (await self._session.scalars(locked)).all()

    async def request_stop(self, run: Run, *, rolls_back: bool = False) -> EndedRun | None:
        """Write the stop intent. A run that no worker holds ends here and now, and is returned to be told about.

        That is one that waits, and one whose worker let the lease run out: this is a new attempt then, which keeps all
        that was recorded, and the old worker can write nothing any more. None: its worker ends it, or it is over.
        """
        stopped = (
            await self._session.execute(statements.request_stop(run.id, rolls_back=rolls_back))
        ).first()
        if stopped is None or stopped.is_worked_on:
            return None
        return await self._end(await self._session.get_one(Run, run.id, populate_existing=True))

    async def next_wake_up(self, subject_id: UUID) -> WakeUp | None:
        """The wake-up of the run whose turn it is now, if one waits."""
        row = (await self._session.execute(line_statements.next_wake_up(subject_id))).first()
        return None if row is None else WakeUp(row.task, row.queue, row.run_id)

    async def _is_first_in_line(self, run: Run) -> bool:
        """As it is now: those before it may have ended since they were looked at."""
        first: Run | None = await self._session.scalar(line_statements.active_run_of(run.subject_id))
        return first is not None and first.id == run.id

    async def _insert(self, task: str, queue: str, **values: Any) -> Run:
        values |= {"id": new_uuid(), "status": RunStatus.QUEUED, "created_at": now()}
        values |= {"attempt": 0, "deaths": 0, "is_rolled_back": False}
        values |= {"traceparent": begin_trace_of(values["id"])}
        run: Run = (await self._session.scalars(statements.insert_run(values, QUEUED, task, queue))).one()
        return run

    async def _end(self, run: Run) -> EndedRun:
        log, snapshot = await self._read_log(run.id)
        recorded = len(log)
        if run.status == RunStatus.RUNNING:
            log.append(_take_over(run.attempt + 1, log[-1].position.seq))
        log.append(_cancelled(log[-1].position, snapshot))
        await self._session.execute(
            statements.RECORD_EVENTS, statements.event_columns(run.id, log[recorded:])
        )
        statement = statements.end_run(
            run.id,
            status=RunStatus.CANCELLED,
            end_seq=log[-1].position.seq,
            error=None,
            result=await self._record(self._session, run, snapshot),
            attempt=log[-1].position.attempt if run.status == RunStatus.RUNNING else run.attempt,
        )
        await self._session.execute(statement)
        await self._session.execute(statements.forget_wake_up(run.id))
        return EndedRun(run.id, log)

    async def _read_log(self, run_id: UUID) -> tuple[list[Event], Snapshot]:
        """What is recorded, and its fold: page by page, so that a long log leaves the loop to others in between."""
        log: list[Event] = []
        fold = LogFold()
        while len(page := await self._read_page(run_id, fold.position)) == PAGE_EVENTS:
            log += page
            fold.take(page)
        fold.take(page)
        return log + page, fold.snapshot

    async def _read_page(self, run_id: UUID, position: Position) -> list[Event]:
        page = statements.events_after(run_id, position, PAGE_EVENTS)
        return decode_rows(await self._session.execute(page))


def _take_over(attempt: int, keeps_seq: int) -> Event:
    return Event.create(Position(attempt, keeps_seq + 1), EventType.ATTEMPT, {"keeps_seq": keeps_seq})


def _cancelled(last: Position, snapshot: Snapshot) -> Event:
    fields = {
        "status": RunStatus.CANCELLED,
        "chars": len(snapshot.text),
        "events": last.seq + 1,
        "text_sha256": snapshot.text_sha256,
    }
    return Event.create(Position(last.attempt, last.seq + 1), EventType.END, fields)
