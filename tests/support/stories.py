"""Runs for tests: rows as the API makes them, and events as a worker says them."""

from uuid import UUID

from sqlalchemy import Engine, insert

from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.runs import statements
from riverrun.runs.models import OutboxEntry, Run, RunKind, RunStatus
from riverrun.streaming.cursor import Position
from riverrun.streaming.events import Event
from riverrun.users.models import User


def make_user(engine: Engine, email: str = "someone@example.org") -> UUID:
    """A user's row."""
    user_id = new_uuid()
    values = {
        "id": user_id,
        "email": email,
        "display_name": "Someone",
        "is_administrator": False,
        "created_at": now(),
    }
    with engine.begin() as connection:
        connection.execute(insert(User).values(values))
    return user_id


def make_run(
    engine: Engine, user_id: UUID, kind: RunKind = RunKind.ANSWER, subject_id: UUID | None = None
) -> UUID:
    """A queued run with its first event and its wake-up."""
    run_id = new_uuid()
    values = {
        "id": run_id,
        "user_id": user_id,
        "kind": kind,
        "subject_id": subject_id or new_uuid(),
        "payload": {"title": "a test", "question": "Why?", "turn": 1},
        "status": RunStatus.QUEUED,
        "attempt": 0,
        "created_at": now(),
    }
    wake_up = {"run_id": run_id, "task": "riverrun.test", "queue": "riverrun_test", "created_at": now()}
    with engine.begin() as connection:
        connection.execute(insert(Run).values(values))
        connection.execute(statements.insert_events(run_id, [Event.create(Position(1, 1), "queued", {})]))
        connection.execute(insert(OutboxEntry).values(wake_up))
    return run_id


def text_event(seq: int, text: str = "word ", attempt: int = 1) -> Event:
    """A piece of an answer."""
    return Event.create(Position(attempt, seq), "text", {"text": text})


def take_over(seq: int, attempt: int) -> Event:
    """The event with which a new attempt begins; it keeps everything before itself."""
    return Event.create(Position(attempt, seq), "attempt", {"keeps_seq": seq - 1})
