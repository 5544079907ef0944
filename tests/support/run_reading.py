"""What a run left behind, read straight out of both copies."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, select, text, update

from riverrun.infra.redis_clients import SyncRedis
from riverrun.runs import statements
from riverrun.runs.attempt import Attempt
from riverrun.runs.event_log import decode_rows
from riverrun.runs.models import OutboxEntry, Run
from riverrun.streaming.commands import decode_entries, stream_key
from riverrun.streaming.cursor import START
from riverrun.streaming.events import Event


def recorded(engine: Engine, run_id: UUID) -> list[Event]:
    """Its events in Postgres."""
    with engine.connect() as connection:
        return decode_rows(connection.execute(statements.events_after(run_id, START)))


def hot(redis: SyncRedis, run_id: UUID) -> list[Event]:
    """Its events in Redis."""
    return decode_entries(redis.xrange(stream_key(run_id)))


def row_of(engine: Engine, run_id: UUID) -> Any:
    """Its row."""
    with engine.connect() as connection:
        return connection.execute(select(*Run.__table__.columns).where(Run.id == run_id)).one()


def wake_up_sent_at(engine: Engine, run_id: UUID) -> Any:
    """When its wake-up left; none when it is to be sent."""
    with engine.connect() as connection:
        return connection.execute(
            select(OutboxEntry.sent_at).where(OutboxEntry.run_id == run_id)
        ).scalar_one()


def ask_to_stop(engine: Engine, run_id: UUID) -> None:
    """The user's stop, as the API writes it."""
    with engine.begin() as connection:
        connection.execute(statements.request_stop(run_id))


def expire_lease(engine: Engine, run_id: UUID) -> None:
    """As if its worker had died a lease ago."""
    with engine.begin() as connection:
        connection.execute(
            update(Run).where(Run.id == run_id).values(lease_until=text("now() - interval '1 s'"))
        )


def keep(*_: Any) -> dict[str, Any]:
    """A recorder that makes nothing."""
    return {"kept": True}


def says(*words: str) -> Callable[[Attempt], None]:
    """Work that says these words."""

    def work(attempt: Attempt) -> None:
        for word in words:
            attempt.emit("text", text=word)

    return work
