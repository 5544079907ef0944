"""Runs for those who look: found by what they may see, and followed under a permit that ends with it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, Self
from uuid import UUID

from fastapi import Depends
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.auth.dependencies import CurrentViewer
from riverrun.auth.principal import Principal, caller
from riverrun.auth.stream_watch import CurrentWatch, StreamWatch
from riverrun.conversations.reading_statements import SOME_READABLE_RUNS
from riverrun.infra.dependencies import AsyncDb
from riverrun.kit.problem import NotFound
from riverrun.runs.models import Run
from riverrun.streaming.permits import Permit


@dataclass(frozen=True, slots=True)
class ReadableRun:
    """A run that somebody may follow; of an answer with the projects of its conversation."""

    run: Run
    hides_sources: bool
    project_ids: Sequence[UUID]

    @classmethod
    def of(cls, row: Row[Run, bool, list[UUID] | None]) -> Self:
        """A row of ``READABLE_RUNS``."""
        run, hides_sources, project_ids = row
        return cls(run, hides_sources, project_ids or ())


class RunReading:
    """What one principal, who may be a guest, may follow."""

    def __init__(self, session: AsyncSession, principal: Principal, watch: StreamWatch) -> None:
        self._session = session
        self._principal = principal
        self._watch = watch

    async def find(self, run_id: UUID) -> ReadableRun:
        """One run.

        Raises:
            NotFound: it is not there for this principal.
        """
        found = await self.find_all([run_id])
        if run_id not in found:
            raise NotFound
        return found[run_id]

    async def find_all(self, run_ids: Collection[UUID]) -> dict[UUID, ReadableRun]:
        """Those of the runs that the principal may follow, in one query."""
        values = {**caller(self._principal), "run_ids": list(run_ids)}
        rows = await self._session.execute(SOME_READABLE_RUNS, values)
        return {readable.run.id: readable for readable in map(ReadableRun.of, rows)}

    def permit(self, *readable: ReadableRun) -> Permit:
        """The right to follow these runs, for as long as the principal has it."""
        hides_sources = {one.run.id: one.hides_sources for one in readable}
        subject_ids = {subject for one in readable for subject in (one.run.subject_id, *one.project_ids)}
        return self._watch.permit(self._principal, hides_sources, tuple(subject_ids))


async def get_run_reading(db: AsyncDb, viewer: CurrentViewer, watch: CurrentWatch) -> RunReading:
    """What the caller may follow."""
    return RunReading(db, viewer, watch)


CurrentRunReading = Annotated[RunReading, Depends(get_run_reading)]
