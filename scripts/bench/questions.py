"""Conversations for the plan's scripts: fresh ones to be asked in, and ones whose answer was left half said."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from bench.scenario import EACH, Scenario, has_fields
from bench.site import Site
from riverrun.conversations.models import Conversation, Message, MessageType
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.runs.models import Run, RunEvent, RunKind, RunStatus
from riverrun.streaming.cursor import Position
from riverrun.streaming.events import Event, EventType

QUESTION = "How is a greeting made?"
BODY = b'{"content": "How is a greeting made?"}'
WORDS = "A greeting is made of a name. "
SAID = 20
"""Texts that an answer has when it is stopped."""


def asking(names: Mapping[str, str], site: Site | None) -> Scenario:
    """A question, answered by a stream that is read to its end; each in a conversation of its own.

    On a running server all are asked in one conversation, behind each other.
    """
    path = f"/api/v1/conversations/{EACH}/message?if_busy=enqueue"

    def conversations(count: int) -> Sequence[str]:
        return (
            in_turn(names, count)
            if site is None
            else fresh_conversations(site, UUID(names["PROJECT_ID"]), count)
        )

    return Scenario(
        "message",
        path,
        lambda end: end["status"] == RunStatus.COMPLETED and end["chars"] > 0,
        "POST",
        BODY,
        each=conversations,
        is_stream=True,
    )


def stopping(names: Mapping[str, str], site: Site | None) -> Scenario:
    """A stop that saves what was said, each of another answer: their worker is gone, so the API itself ends them."""

    def conversations(count: int) -> Sequence[str]:
        return in_turn(names, count) if site is None else half_answered(site, names, count)

    path = f"/api/v1/conversations/{EACH}/stop"
    return Scenario("stop", path, has_fields("run_id", "saved_partial", "chars"), "POST", each=conversations)


def in_turn(names: Mapping[str, str], count: int) -> Sequence[str]:
    """The one that the environment names."""
    return [names["CONVERSATION_ID"]] * count


def fresh_conversations(site: Site, project_id: UUID, count: int) -> Sequence[str]:
    """So many in which nobody has asked."""
    made = [conversation(site.user_id, project_id) for _ in range(count)]
    with Session(site.engine) as session, session.begin():
        session.add_all(made)
        return [str(one.id) for one in made]


def half_answered(site: Site, names: Mapping[str, str], count: int) -> Sequence[str]:
    """So many whose answer was under way when its worker went: the lease has run out."""
    conversation_ids = fresh_conversations(site, UUID(names["PROJECT_ID"]), count)
    with Session(site.engine) as session, session.begin():
        runs = [left_behind(site.user_id, UUID(conversation_id)) for conversation_id in conversation_ids]
        session.add_all(runs)
        session.flush()
        for run in runs:
            session.add(question_of(run))
            session.add_all(said_by(run))
    return conversation_ids


def conversation(user_id: UUID, project_id: UUID) -> Conversation:
    """An empty one."""
    return Conversation(
        id=new_uuid(),
        user_id=user_id,
        title="A benchmark",
        project_ids=[project_id],
        agent_ids=["code_agent"],
        local_mode=False,
    )


def left_behind(user_id: UUID, conversation_id: UUID) -> Run:
    """A run whose worker said something and went."""
    return Run(
        id=new_uuid(),
        user_id=user_id,
        kind=RunKind.ANSWER,
        subject_id=conversation_id,
        payload={"question": QUESTION, "turn": 1},
        status=RunStatus.RUNNING,
        attempt=1,
        lease_owner="benchmark",
        lease_until=now() - timedelta(minutes=1),
        started_at=now(),
    )


def question_of(run: Run) -> Message:
    """What was asked."""
    return Message(
        conversation_id=run.subject_id,
        run_id=run.id,
        type=MessageType.HUMAN,
        turn=1,
        sender_id=run.user_id,
        content=QUESTION,
    )


def said_by(run: Run) -> list[RunEvent]:
    """The run's events so far."""
    fields = [(EventType.QUEUED, {}), *[(EventType.TEXT, {"text": WORDS})] * SAID]
    events = [
        Event.create(Position(1, number), event_type, content)
        for number, (event_type, content) in enumerate(fields, start=1)
    ]
    return [
        RunEvent(run_id=run.id, seq=event.position.seq, attempt=1, type=event.type, data=event.data.decode())
        for event in events
    ]
