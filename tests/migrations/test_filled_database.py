"""A database that was filled under the first revision goes to the newest and back, and keeps what people said."""

from collections.abc import Iterator
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine, Row, inspect, text
from sqlalchemy.engine.reflection import Inspector

from riverrun.infra.database import open_engine
from riverrun.migrations.upgrade import configuration

FIRST = "0001"
SAMPLES = {
    "BOOLEAN": "(number % 2 = 0)",
    "BYTEA": "'x'::bytea",
    "DOUBLE PRECISION": "number",
    "INTEGER": "number",
    "SMALLINT": "number",
    "BIGINT": "number",
    "TIMESTAMP": "now()",
    "JSONB": "'{}'::jsonb",
    "UUID": "md5(number::text)::uuid",
    "TSVECTOR": "'word'::tsvector",
    "ARRAY": "'{}'",
    "TEXT": "'text ' || number",
}
GIVEN = {
    ("messages", "type"): "CASE WHEN number % 2 = 1 THEN 'HUMAN' ELSE 'AI_GENERATED' END",
    ("messages", "conversation_id"): "md5('1')::uuid",
    ("messages", "run_id"): "md5(((number + 1) / 2)::text)::uuid",
    ("messages", "citations"): "'[]'::jsonb",
    ("messages", "tool_calls"): "'[]'::jsonb",
    (
        "runs",
        "status",
    ): "CASE WHEN number = 3 THEN 'running' WHEN number = 4 THEN 'queued' ELSE 'completed' END",
    ("runs", "attempt"): "CASE WHEN number = 4 THEN 0 ELSE 2 END",
    ("runs", "payload"): """'{"title": "t", "question": "q"}'::jsonb""",
}
ROWS = 6


@pytest.fixture
def first_engine(empty_database_url: str) -> Iterator[Engine]:
    """A database of the first revision, with rows in each table."""
    engine = open_engine(empty_database_url)
    with engine.begin() as connection:
        command.upgrade(configuration(connection), FIRST)
    fill(engine)
    yield engine
    engine.dispose()


def test_a_filled_database_goes_all_the_way_up_and_down_and_up_again(first_engine: Engine) -> None:
    said = rows(first_engine, "SELECT id, content FROM messages ORDER BY id")
    assert len(said) == ROWS
    for go, revision in ((command.upgrade, "head"), (command.downgrade, FIRST), (command.upgrade, "head")):
        with first_engine.begin() as connection:
            go(configuration(connection), revision)
        assert rows(first_engine, "SELECT id, content FROM messages ORDER BY id") == said
    turns = rows(first_engine, "SELECT turn, count(*) FROM messages GROUP BY turn ORDER BY turn")
    assert [tuple(row) for row in turns] == [(1, 2), (2, 2), (3, 2)]
    assert rows(first_engine, "SELECT deaths FROM runs WHERE status = 'running'")[0].deaths == 1


def fill(engine: Engine) -> None:
    """A few rows in each table, of any value that its columns take; row ``n`` belongs to row ``n`` of its parent."""
    found = inspect(engine)
    for table in by_dependency(found):
        columns = [column for column in found.get_columns(table) if "computed" not in column]
        names = ", ".join(column["name"] for column in columns)
        values = ", ".join(value_of(table, column) for column in columns)
        with engine.begin() as connection:
            connection.execute(
                text(
                    f"INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE "
                    f"SELECT {values} FROM generate_series(1, {ROWS}) AS number"
                )
            )


def value_of(table: str, column: Any) -> str:
    kind = str(column["type"])
    return GIVEN.get((table, column["name"]), SAMPLES[kind])


def by_dependency(found: Inspector) -> list[str]:
    ordered = [table for table, _ in found.get_sorted_table_and_fkc_names() if table]
    return [table for table in ordered if table != "alembic_version"]


def rows(engine: Engine, query: str) -> list[Row[Any]]:
    with engine.connect() as connection:
        return list(connection.execute(text(query)).all())


def test_what_was_indexed_under_a_newer_release_is_indexed_again_under_an_older_one(
    first_engine: Engine,
) -> None:
    with first_engine.begin() as connection:
        command.upgrade(configuration(connection), "0014_paths_once")
        connection.execute(text("UPDATE source_files SET recipe = 3, stamp = 'seen'"))
        command.downgrade(configuration(connection), "0013_spent_id_tokens")
    assert set(map(tuple, rows(first_engine, "SELECT recipe, stamp FROM source_files"))) == {(0, "")}
