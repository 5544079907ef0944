"""Terms and search vectors: what they are, and that Postgres takes every one of them."""

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riverrun.parsing.terms import MAX_LENGTH, split_terms, vector_literal


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("HTTPServer.parse_headers", ["http", "server", "parse", "header"]),
        ("getUserNames", ["get", "user", "name"]),
        ("src/app/user-model.ts", ["src", "app", "user", "model", "ts"]),
        ("sha256 utf8 base64_encode", ["sha256", "utf8", "base64", "encode"]),
        ("The entries of these boxes", ["entry", "box"]),
        ("class status process", ["class", "status", "process"]),
        ("Größe“, naïve", ["größe", "naïve"]),
        ("日本 x i", ["日本"]),
        ("", []),
        ("!!! ... ???", []),
    ],
)
def test_text_is_split_into_terms(text: str, terms: list[str]) -> None:
    assert split_terms(text) == terms


def test_spellings_of_one_name_meet_in_one_joined_term() -> None:
    assert "parseheader:" in vector_literal("parse_headers", "", "", "").literal
    assert "parseheader:" in vector_literal("Reader.parseHeaders", "", "", "").literal


def test_labels_and_counts_are_what_stands_where() -> None:
    vector = vector_literal("Box.open", "lib/box.py", "Opens the box.", "box.lock box")
    assert vector.lengths == [2, 2, 2, 3]
    assert set(vector.literal.split(" ")) == {"box:1A,2B,3C,4,5", "open:1A,2C", "lib:1B", "lock:1"}
    assert sorted(vector.terms) == sorted(word.partition(":")[0] for word in vector.literal.split(" "))


def test_postgres_reads_labels_and_counts_as_they_were_meant(database_url: str) -> None:
    vector = vector_literal("Box", "lib/box.py", "A box, boxes.", "box " * 300 + "lid")
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT lexeme, array_length(positions, 1), array_to_string(weights, '') FROM unnest(%s::tsvector)",
            [vector.literal],
        ).fetchall()
    found = {lexeme: (count, weights) for lexeme, count, weights in rows}
    assert found["lid"] == (1, "D")
    assert found["box"][0] == 255
    assert found["box"][1].startswith("ABCCD")
    assert vector.lengths == [1, 2, 2, 301]


@settings(max_examples=300, deadline=None)
@given(st.text(), st.text())
def test_a_vector_names_each_term_once_and_counts_all(name: str, body: str) -> None:
    vector = vector_literal(name, "a/b.py", "", body)
    words = vector.literal.split()
    assert len(words) == len(vector.terms) == len(set(vector.terms))
    assert vector.lengths[3] == min(len(split_terms(body)), MAX_LENGTH)
    assert not set("'\\:\0\n\t") & set("".join(vector.terms))


def test_postgres_takes_the_vector_of_any_text(database_url: str) -> None:
    nasty = ["\0\\'\":&|!()<->", "a" * 5_000, "😀 ﷽ ҉ \u202e \u0301", "x_" * 40_000, "i" * 63 + "ß" * 64]
    with psycopg.connect(database_url) as connection:
        for text in [*nasty, "".join(map(chr, range(1, 0xD800)))]:
            literal = vector_literal(text, text, text, text).literal
            assert connection.execute("SELECT length(%s::tsvector)", [literal]).fetchone() is not None
