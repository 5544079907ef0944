"""Conversations from before there were turns get them, and can be taken back to where they were."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from alembic import command
from sqlalchemy import Engine, text

from riverrun.infra.database import open_engine
from riverrun.kit.ids import new_uuid
from riverrun.migrations.upgrade import configuration

BEFORE, AFTER = "0001", "0003_if_busy"


@pytest.fixture
def old_engine(empty_database_url: str) -> Iterator[Engine]:
    """A database as it was before."""
    engine = open_engine(empty_database_url)
    with engine.begin() as connection:
        command.upgrade(configuration(connection), BEFORE)
    yield engine
    engine.dispose()


def move(engine: Engine, revision: str) -> None:
    with engine.begin() as connection:
        go = command.upgrade if revision == AFTER else command.downgrade
        go(configuration(connection), revision)


def execute(engine: Engine, statement: str, **values: Any) -> list[Any]:
    with engine.begin() as connection:
        result = connection.execute(text(statement), values)
        return list(result.all()) if result.returns_rows else []


def old_conversation(engine: Engine) -> UUID:
    """Two answered questions and one whose run is under way, said at one instant each."""
    user_id, conversation_id = new_uuid(), new_uuid()
    execute(
        engine,
        "INSERT INTO users (id, email, display_name, is_administrator, created_at) "
        "VALUES (:id, 'a@example.org', 'A', false, now())",
        id=user_id,
    )
    execute(
        engine,
        "INSERT INTO conversations (id, user_id, title, status, project_ids, agent_ids, created_at, updated_at) "
        "VALUES (:id, :user_id, 'T', 'active', '{}', '{}', now(), now())",
        id=conversation_id,
        user_id=user_id,
    )
    for number, status in enumerate(("completed", "completed", "running")):
        run_id = new_uuid()
        execute(
            engine,
            "INSERT INTO runs (id, user_id, kind, subject_id, payload, status, attempt, created_at) "
            "VALUES (:id, :user_id, 'answer', :subject_id, '{}', :status, 1, now())",
            id=run_id,
            user_id=user_id,
            subject_id=conversation_id,
            status=status,
        )
        for kind in ("HUMAN", "AI_GENERATED") if status == "completed" else ("HUMAN",):
            execute(
                engine,
                "INSERT INTO messages (id, conversation_id, run_id, type, content, citations, tool_calls, created_at) "
                "VALUES (:id, :conversation_id, :run_id, :type, :content, '[]', '[]', now())",
                id=new_uuid(),
                conversation_id=conversation_id,
                run_id=run_id,
                type=kind,
                content=f"{kind} {number + 1}",
            )
    return conversation_id


def test_questions_are_counted_and_answers_have_the_turn_of_their_question(old_engine: Engine) -> None:
    old_conversation(old_engine)
    move(old_engine, AFTER)
    rows = execute(old_engine, "SELECT content, turn, status FROM messages ORDER BY created_at")
    assert [(row.content.split()[1], row.turn, row.status) for row in rows] == [
        (str(turn), turn, "ACTIVE") for turn in (1, 1, 2, 2, 3)
    ]
    runs = execute(old_engine, "SELECT payload, number FROM runs ORDER BY created_at")
    assert [run.payload for run in runs] == [{"turn": 1}, {"turn": 2}, {"turn": 3}]
    assert len({run.number for run in runs}) == 3


def test_taking_it_back_keeps_what_was_shown_and_the_first_of_a_line(old_engine: Engine) -> None:
    conversation_id = old_conversation(old_engine)
    move(old_engine, AFTER)
    execute(
        old_engine,
        "INSERT INTO runs (id, user_id, kind, subject_id, payload, status, attempt, created_at, is_rolled_back) "
        "SELECT :id, user_id, kind, subject_id, '{}', 'queued', 0, now(), false FROM runs LIMIT 1",
        id=new_uuid(),
    )
    execute(
        old_engine,
        "INSERT INTO messages (id, conversation_id, type, status, turn, content, citations, tool_calls, created_at) "
        "VALUES (:id, :conversation_id, 'AI_GENERATED', 'ARCHIVED', 1, 'sibling', '[]', '[]', now())",
        id=new_uuid(),
        conversation_id=conversation_id,
    )
    move(old_engine, BEFORE)
    assert [row.status for row in execute(old_engine, "SELECT status FROM runs ORDER BY created_at")] == [
        "completed",
        "completed",
        "running",
    ]
    assert len(execute(old_engine, "SELECT id FROM messages")) == 5
    move(old_engine, AFTER)
