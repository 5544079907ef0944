"""What we write for ``COPY`` is what Postgres reads."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riverrun.parsing.copy_format import (
    array_of_texts,
    binary_copy,
    binary_file_key,
    binary_text,
    escape,
    nullable,
)

TEXTS = st.text(st.characters(codec="utf-8"))
A_FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_url) as opened:
        opened.execute("CREATE TEMPORARY TABLE copied (one text, many text[])")
        opened.execute("CREATE TEMPORARY TABLE copied_binary (project uuid, file bigint, one text)")
        yield opened


@A_FEW
@given(TEXTS, st.lists(TEXTS, min_size=1))
def test_any_text_arrives_but_for_its_nuls(
    connection: psycopg.Connection[Any], one: str, many: list[str]
) -> None:
    row = f"{escape(one)}\t{array_of_texts(many)}\n"
    arrived = copied(connection, "copied", "", row.encode())
    assert arrived == [(without_nul(one), [without_nul(text) for text in many])]


@A_FEW
@given(st.lists(st.tuples(st.uuids(), st.integers(0, 2**63 - 1), TEXTS)))
def test_any_text_arrives_in_the_binary_format(
    connection: psycopg.Connection[Any], rows: list[tuple[UUID, int, str]]
) -> None:
    written = binary_copy(binary_file_key(3, key, number) + binary_text(text) for key, number, text in rows)
    arrived = copied(connection, "copied_binary", "(FORMAT BINARY)", written)
    assert arrived == [(key, number, without_nul(text)) for key, number, text in rows]


@pytest.mark.parametrize("texts", [['a","b'], ['"'], ['a","b', "c"], ["\\", '"\\"'], ["NULL", "", " "]])
def test_quotes_and_separators_in_texts_are_no_syntax(
    connection: psycopg.Connection[Any], texts: list[str]
) -> None:
    row = f"{nullable(None)}\t{array_of_texts(texts)}\n"
    assert copied(connection, "copied", "", row.encode()) == [(None, texts)]


def copied(
    connection: psycopg.Connection[Any], table: str, options: str, data: bytes
) -> list[tuple[Any, ...]]:
    connection.execute(f"TRUNCATE {table}")
    with connection.cursor().copy(f"COPY {table} FROM STDIN {options}".encode()) as copy:
        copy.write(data)
    return connection.execute(f"SELECT * FROM {table}".encode()).fetchall()


def without_nul(text: str) -> str:
    return text.replace("\0", "")
