"""A conversation's session for those who poll: one query and one round trip to Redis, however much there is.

There is no sync twin: workers and the command line never ask.
"""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.auth.principal import Principal
from riverrun.conversations.run_reading import ReadableRun
from riverrun.conversations.session_statements import RUN_NAMED, SESSION, RecordedSession, session_values
from riverrun.conversations.session_views import ActiveSession, TaskStatus
from riverrun.infra.dependencies import commit_now
from riverrun.kit.clock import now
from riverrun.kit.problem import NotFound
from riverrun.runs.line_statements import ACTIVE
from riverrun.runs.models import Run, RunStatus
from riverrun.streaming.commands import TaskState, has_started
from riverrun.streaming.cursor import START
from riverrun.streaming.redaction import hide_sources_of_snapshot
from riverrun.streaming.redis_streaming import AsyncRedisStreamManager
from riverrun.streaming.run_log import RunLog
from riverrun.streaming.snapshot import LogFold, PlacedSnapshot

HOT_PATIENCE_SECONDS = 0.5
"""How long a poll waits for a silent Redis before the record answers alone."""
SNAPSHOT_PATIENCE_SECONDS = 2.0
"""The same for all that a run has said, from a Redis that has just answered: a long answer has many pages."""
UNKNOWN = TaskState(None, None, None, None)
IDLE = "idle"

logger = logging.getLogger(__name__)


class AsyncSessionService:
    """Tells from the record what is true, and from the hot copy what is newer. It works while Redis is away.

    A database connection is held for the query alone: many tabs poll at once.
    """

    def __init__(
        self, session: AsyncSession, principal: Principal, streams: AsyncRedisStreamManager, run_log: RunLog
    ) -> None:
        self._session = session
        self._principal = principal
        self._streams = streams
        self._run_log = run_log

    async def get_active_session(
        self, conversation_id: UUID, *, with_snapshot: bool = False
    ) -> ActiveSession:
        """The run under way.

        Raises:
            NotFound: no such conversation for the principal, or nothing is under way in it.
        """
        recorded = await self._look(conversation_id)
        run = recorded.run
        if run is None or run.status not in ACTIVE:
            raise NotFound
        state = await self._state_of(run)
        status = further(run.status, state.status)
        if status not in ACTIVE:
            raise NotFound
        said = await self._said(run, is_silent=state is UNKNOWN) if with_snapshot else None
        top = said.position if said else max(recorded.top, state.top or START)
        return ActiveSession(
            sessionId=recorded.session_id or str(run.id),
            runId=run.id,
            status="active" if status == RunStatus.RUNNING else status,
            cursor=str(top),
            conversationId=conversation_id,
            startedAt=run.started_at,
            lastActivity=_latest(recorded.last_activity, state.last_activity, run.started_at, run.created_at),
            snapshot=_as_shown(said, recorded.hides_sources) if said else None,
        )

    async def get_task_status(self, conversation_id: UUID, *, wait_seconds: float = 0) -> TaskStatus:
        """How the run under way stands, else the newest. A run that waits is waited for: until a worker has it, or the time is over.

        Raises:
            NotFound: no such conversation for the principal.
        """
        recorded = await self._look(conversation_id)
        run = recorded.run
        if run is None:
            return _nothing_asked(conversation_id)
        if wait_seconds and not has_started(run.status, require_running=True):
            await self._wait_for_start(run, wait_seconds)
        state = await self._state_of(run)
        status = further(run.status, state.status)
        is_active = status in ACTIVE
        return TaskStatus(
            isActive=is_active,
            sessionId=recorded.session_id,
            runId=run.id,
            taskId=state.task_id,
            status=status,
            estimatedCompletion=_estimate(run, recorded.typical_seconds) if is_active else None,
            conversationId=conversation_id,
        )

    async def find_run(self, conversation_id: UUID, session_id: str) -> ReadableRun:
        """The run of that name, or of that id.

        Raises:
            NotFound: the principal has no such conversation, or it no such run.
        """
        values = session_values(self._principal, conversation_id, session_id)
        row = (await self._session.execute(RUN_NAMED, values)).one_or_none()
        if row is None:
            raise NotFound
        return ReadableRun.of(row)

    async def _look(self, conversation_id: UUID) -> RecordedSession:
        values = session_values(self._principal, conversation_id)
        row = (await self._session.execute(SESSION, values)).one_or_none()
        await commit_now(self._session)
        if row is None:
            raise NotFound
        return RecordedSession.of(row)

    async def _state_of(self, run: Run) -> TaskState:
        try:
            async with asyncio.timeout(HOT_PATIENCE_SECONDS):
                return await self._streams.get_task_state(run.id)
        except (RedisError, OSError) as error:
            logger.warning("the record alone tells of run %s: %s", run.id, error)
            return UNKNOWN

    async def _wait_for_start(self, run: Run, timeout_seconds: float) -> None:
        try:
            await self._streams.wait_for_task_start(run.id, timeout_seconds=timeout_seconds)
        except (RedisError, OSError) as error:
            logger.warning("the start of run %s cannot be waited for: %s", run.id, error)

    async def _said(self, run: Run, *, is_silent: bool) -> PlacedSnapshot:
        said = None if is_silent else await self._hot_snapshot(run)
        return said or await self._recorded_snapshot(run)

    async def _hot_snapshot(self, run: Run) -> PlacedSnapshot | None:
        try:
            async with asyncio.timeout(SNAPSHOT_PATIENCE_SECONDS):
                return await self._streams.get_stream_snapshot(run.id)
        except (RedisError, OSError) as error:
            logger.warning("the record alone tells what run %s said: %s", run.id, error)
            return None

    async def _recorded_snapshot(self, run: Run) -> PlacedSnapshot:
        fold = LogFold()
        while page := await self._run_log.read_recorded(run.id, fold.position):
            fold.take(page)
        return fold.placed


def further(recorded: str, hot: str | None) -> str:
    """The status that is further on the one way down.

    The hot copy may be ahead of a row that was read before it; it never holds one back.
    """
    return max(
        recorded, hot or recorded, key=lambda status: (status != RunStatus.QUEUED, status not in ACTIVE)
    )


def _as_shown(said: PlacedSnapshot, hides_sources: bool) -> dict[str, Any]:
    fields = said.snapshot.as_fields()
    return hide_sources_of_snapshot(fields) if hides_sources else fields


def _latest(*moments: datetime | None) -> datetime:
    """Of those that are known. The hot copy knows seconds only, and would have a run say something before it began."""
    return max(moment for moment in moments if moment)


def _estimate(run: Run, typical_seconds: float | None) -> datetime | None:
    if typical_seconds is None or run.started_at is None:
        return None
    expected = run.started_at + timedelta(seconds=float(typical_seconds))
    return expected if expected > now() else None


def _nothing_asked(conversation_id: UUID) -> TaskStatus:
    return TaskStatus(
        isActive=False,
        sessionId=None,
        runId=None,
        taskId=None,
        status=IDLE,
        estimatedCompletion=None,
        conversationId=conversation_id,
    )
