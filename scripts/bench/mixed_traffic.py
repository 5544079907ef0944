"""The traffic of benchmark 11: of twenty requests sixteen read, two ask, two sign in by a slow provider outside."""

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bench.open_loop import Request
from bench.scenario import Scenario
from riverrun.conversations.models import Conversation, Message, MessageType
from riverrun.kit.ids import new_uuid

HOST = "127.0.0.1"
SEED = 11
READS = ("/info", "/messages", "/task-status", "")
"""Of one conversation; the last is the list of all."""
EACH_READ = 4
OTHERS = ("post", "post", "sign-in", "sign-in")
TURNS = 20
QUESTION = orjson.dumps({"content": "How is a greeting made?"})


@dataclass(frozen=True, slots=True)
class Subjects:
    """What is asked for: conversations to be read, others to be asked in, and people who sign in."""

    read: Sequence[UUID]
    asked: Sequence[UUID]
    emails: Sequence[str]


def make_subjects(
    engine: Engine, user_id: UUID, project_id: UUID, emails: Sequence[str], *, asked: int
) -> Subjects:
    """Ten conversations of twenty turns, and as many empty ones as ``asked`` says; all about one repository."""
    read = [_conversation(user_id, project_id, number) for number in range(10)]
    empty = [_conversation(user_id, project_id, number) for number in range(asked)]
    with Session(engine) as session, session.begin():
        session.add_all([*read, *empty])
        session.flush()
        session.add_all(message for one in read for message in _messages(one.id))
        return Subjects([one.id for one in read], [one.id for one in empty], emails)


def traffic_of(subjects: Subjects, token: str, outside_seconds: float) -> Iterator[Request]:
    """Without end, in a shuffled order that is the same for all arms."""
    dice = random.Random(SEED)
    authorization = signed_in(token)
    kinds = [path for path in READS for _ in range(EACH_READ)] + list(OTHERS)
    read, asked, emails = (itertools.cycle(each) for each in (subjects.read, subjects.asked, subjects.emails))
    while True:
        dice.shuffle(kinds)
        for kind in kinds:
            if kind == "post":
                yield question_in(next(asked), authorization)
            elif kind == "sign-in":
                yield sign_in(next(emails), outside_seconds)
            else:
                yield reading(kind, next(read), authorization)


def signed_in(token: str) -> str:
    """The header's line."""
    return f"Authorization: Bearer {token}\r\n"


def reading(path: str, conversation_id: UUID, authorization: str) -> Request:
    """A look at a conversation, or at the list."""
    whole = f"/api/v1/conversations/{conversation_id}{path}" if path else "/api/v1/conversations"
    return Request(path[1:] or "list", _bytes(whole, "GET", b"", authorization))


def question_in(conversation_id: UUID, authorization: str) -> Request:
    """A question, which waits for those before it; answered with the stream of its run."""
    path = f"/api/v1/conversations/{conversation_id}/message?if_busy=enqueue"
    return Request("post", _bytes(path, "POST", QUESTION, authorization), is_stream=True)


def sign_in(email: str, outside_seconds: float) -> Request:
    """A sign-in, whose password somebody outside looks at."""
    body = orjson.dumps({"email": email, "password": "any will do"})
    return Request("sign-in", _bytes("/api/v1/login", "POST", body, ""), outside_seconds=outside_seconds)


def _bytes(path: str, method: str, body: bytes, authorization: str) -> bytes:
    return Scenario("mixed", path, bool, method, body).requests(1, HOST, authorization)[0]


def _conversation(user_id: UUID, project_id: UUID, number: int) -> Conversation:
    return Conversation(
        id=new_uuid(),
        user_id=user_id,
        title=f"Benchmark {number}",
        project_ids=[project_id],
        agent_ids=["code_agent"],
    )


def _messages(conversation_id: UUID) -> Iterator[Message]:
    for turn in range(1, TURNS + 1):
        for kind, words in (
            (MessageType.HUMAN, "How is it done? "),
            (MessageType.AI_GENERATED, "Like this. " * 40),
        ):
            yield Message(conversation_id=conversation_id, run_id=None, type=kind, turn=turn, content=words)
