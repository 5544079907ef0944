"""Runs as the API handles them: create, stop."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.infra.task_dispatch import WakeUp
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.runs import statements
from riverrun.runs.errors import SubjectBusy
from riverrun.runs.event_log import decode_rows
from riverrun.runs.models import OutboxEntry, Run, RunKind, RunStatus
from riverrun.streaming.cursor import START, Position
from riverrun.streaming.events import Event, EventType
from riverrun.streaming.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class CreatedRun:
    """A run and the wake-up to send once it is committed; no wake-up for a run that was there already."""

    run: Run
    wake_up: WakeUp | None


class AsyncRunService:
    """Works in the caller's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def create(
        self,
        *,
        kind: RunKind,
        subject_id: UUID,
        user_id: UUID,
        payload: dict[str, Any],
        task: str,
        queue: str,
        idempotency_key: str | None = None,
    ) -> CreatedRun:
        """Create a queued run with its first event and its wake-up, or find the one of the same key.

        Raises:
            SubjectBusy: another run works on the subject.
        """
        values = {
            "id": new_uuid(),
            "user_id": user_id,
            "kind": kind,
            "subject_id": subject_id,
            "payload": payload,
            "idempotency_key": idempotency_key,
            "status": RunStatus.QUEUED,
            "attempt": 0,
            "created_at": now(),
        }
        run_id = await self._session.scalar(statements.insert_run(values))
        if run_id is None:
            return CreatedRun(await self._earlier_run(user_id, subject_id, idempotency_key), None)
        queued = Event.create(Position(1, 1), EventType.QUEUED, {})
        await self._session.execute(statements.insert_events(run_id, [queued]))
        self._session.add(OutboxEntry(run_id=run_id, task=task, queue=queue))
        run = await self._session.get_one(Run, run_id)
        return CreatedRun(run, WakeUp(task, queue, run_id))

    async def request_stop(self, run: Run) -> list[Event]:
        """Write the stop intent. A run that no worker has taken yet ends here and now.

        Returns the whole log of a run that was ended here, to be published after the commit; else nothing: its
        worker ends it. A run that is over stays as it is.
        """
        stopped = (await self._session.execute(statements.request_stop(run.id))).first()
        if stopped is None or stopped.status != RunStatus.QUEUED:
            return []
        log = decode_rows(await self._session.execute(statements.events_after(run.id, START)))
        seq = log[-1].position.seq + 1
        nothing = Snapshot()
        fields = {
            "status": RunStatus.CANCELLED,
            "chars": 0,
            "events": seq,
            "text_sha256": nothing.text_sha256,
        }
        log.append(Event.create(Position(log[-1].position.attempt, seq), EventType.END, fields))
        await self._session.execute(statements.insert_events(run.id, log[-1:]))
        await self._session.execute(
            statements.end_run(run.id, status=RunStatus.CANCELLED, end_seq=seq, error=None, result=None)
        )
        await self._session.execute(statements.forget_wake_up(run.id))
        return log

    async def _earlier_run(self, user_id: UUID, subject_id: UUID, idempotency_key: str | None) -> Run:
        if idempotency_key is not None:
            same = await self._session.scalar(statements.run_of_key(user_id, subject_id, idempotency_key))
            if same is not None:
                return same
        active = await self._session.scalar(statements.active_run_of(subject_id))
        raise SubjectBusy(active.id if active else subject_id)
