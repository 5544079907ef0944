"""Running runs in the record, as if a worker held them, so that readers may follow them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, insert

from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.runs.models import Run, RunKind, RunStatus


def insert_running_runs(engine: Engine, user_id: UUID, count: int) -> list[UUID]:
    """So many new runs of the user, each on a subject of its own; their ids."""
    rows = [_running(user_id) for _ in range(count)]
    with engine.begin() as connection:
        connection.execute(insert(Run), rows)
    return [row["id"] for row in rows]


def _running(user_id: UUID) -> dict[str, Any]:
    return {
        "id": new_uuid(),
        "user_id": user_id,
        "kind": RunKind.ANSWER,
        "subject_id": new_uuid(),
        "payload": {},
        "status": RunStatus.RUNNING,
        "attempt": 1,
        "lease_owner": "benchmark",
        "lease_until": now() + timedelta(hours=1),
    }
