"""Sessions on the wire, in the plan's own field names."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel


class ActiveSession(BaseModel):
    """The run under way; ``cursor`` is the position of its newest event.

    ``sessionId`` is the name that the client gave to the run, else its id.
    """

    sessionId: str  # noqa: N815 - the plan's field names
    runId: UUID  # noqa: N815
    status: str
    """``active`` once a worker has it, ``queued`` before."""
    cursor: str
    conversationId: UUID  # noqa: N815
    startedAt: datetime | None  # noqa: N815
    lastActivity: datetime  # noqa: N815
    snapshot: dict[str, Any] | None = None
    """What was said up to ``cursor``, where it was asked for."""


class TaskStatus(BaseModel):
    """How the run under way stands, else the newest one; without any the status is ``idle``."""

    isActive: bool  # noqa: N815
    sessionId: str | None  # noqa: N815
    runId: UUID | None  # noqa: N815
    taskId: str | None  # noqa: N815
    """Celery's id of the task, as the worker's log has it."""
    status: str
    estimatedCompletion: datetime | None  # noqa: N815
    """By the middle duration of the user's newest answers; none when it is not known or is past."""
    conversationId: UUID  # noqa: N815
