"""Terms and search vectors: what they are, and that Postgres takes every one of them."""

from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riverrun.parsing.copy_format import binary_copy
from riverrun.parsing.terms import MAX_LENGTH, Vector, path_terms, path_vector, split_terms, vector_of


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
        ("RIVERRUN_MAX_ATTEMPTS", ["riverrun", "max", "attempt", "riverrunmaxattempt"]),
        ("IS_OPEN __ALL__ HTTP", ["open", "all", "http"]),
        ("日本 x i", ["日本"]),
        ("“parseHeaders”, HTTPServer’s", ["parse", "header", "http", "server"]),
        (
            "größeBerechnen naïveHTTPServer straße2Go",
            ["größe", "berechnen", "naïve", "http", "server", "straße2", "go"],
        ),
        ("МирТруд привет", ["мир", "труд", "привет"]),
        ("parseFile在哪里？ 日", ["parse", "file", "在哪", "哪里", "日"]),
        ("时々版本2的 한글配置 ﾌｧｲ읽", ["时々", "々版", "版本", "的", "한글", "配置", "ﾌｧ", "ｧｲ", "읽"]),
        ("", []),
        ("!!! ... ???", []),
    ],
)
def test_text_is_split_into_terms(text: str, terms: list[str]) -> None:
    assert split_terms(text) == terms


def test_spellings_of_one_name_meet_in_one_joined_term() -> None:
    assert b"parseheader" in vector_of("parse_headers", "", "").terms
    assert b"parseheader" in vector_of("Reader.parseHeaders", "", "").terms
    assert vector_of("PARSE_HEADERS", "", "").terms == {b"parse", b"header", b"parseheader"}
    assert vector_of("PARSE_HEADERS", "", "").lengths[0] == 3


def test_labels_and_counts_are_what_stands_where(database_url: str) -> None:
    vector = vector_of("Box.open", "Opens the box.", "box.lock box", path_length=2)
    assert vector.lengths == [2, 2, 2, 3]
    with psycopg.connect(database_url) as connection:
        labels = labels_in_postgres(connection, vector)
    assert labels == {"box": "ACDD", "open": "AC", "lock": "D"}
    assert {term.decode() for term in vector.terms} == labels.keys()


def test_postgres_keeps_as_many_occurrences_as_it_can(database_url: str) -> None:
    vector = vector_of("Box", "A box, boxes.", "box " * 300 + "lid")
    with psycopg.connect(database_url) as connection:
        labels = labels_in_postgres(connection, vector)
    assert labels["lid"] == "D"
    assert labels["box"] == "ACC" + 252 * "D"
    assert vector.lengths == [1, 0, 2, 301]


@settings(max_examples=300, deadline=None)
@given(st.text(), st.text())
def test_a_vector_names_each_term_once_and_counts_all(name: str, body: str) -> None:
    vector = vector_of(name, "", body)
    assert int.from_bytes(vector.content[:4], "big") == len(vector.terms) == len(set(vector.terms))
    assert vector.lengths[3] == min(len(split_terms(body)), MAX_LENGTH)
    assert not set(b"'\\:\0\n\t ") & set(b"".join(vector.terms))


def test_postgres_takes_the_vector_of_any_text(database_url: str) -> None:
    nasty = ["\0\\'\":&|!()<->", "a" * 5_000, "😀 ﷽ ҉ \u202e \u0301", "x_" * 40_000, "i" * 63 + "ß" * 64]
    with psycopg.connect(database_url) as connection:
        for text in [*nasty, "".join(map(chr, range(1, 0xD800)))]:
            vector = vector_of(text, text, text)
            assert labels_in_postgres(connection, vector).keys() == {term.decode() for term in vector.terms}


def test_a_path_is_a_vector_of_its_own_without_its_suffix(database_url: str) -> None:
    assert path_terms("lib/box/openBoxes.py") == [b"lib", b"box", b"open", b"box"]
    nasty = "".join(map(chr, range(1, 0xD800)))
    with psycopg.connect(database_url) as connection:
        for path in ("lib/box/openBoxes.py", nasty, "a/" * 2_000, "box/" * 300 + "x.py", ""):
            terms = path_terms(path)
            connection.execute("CREATE TEMPORARY TABLE IF NOT EXISTS paths (terms tsvector)")
            connection.execute("TRUNCATE paths")
            with connection.cursor().copy("COPY paths FROM STDIN") as copy:
                copy.write(path_vector(terms) + b"\n")
            rows = connection.execute("SELECT lexeme, array_to_string(weights, '') FROM paths, unnest(terms)")
            labels = dict(rows.fetchall())
            assert labels.keys() == {term.decode() for term in terms}
            assert set("".join(labels.values())) <= {"B"}
            assert path != "lib/box/openBoxes.py" or labels == {"lib": "B", "box": "BB", "open": "B"}


def labels_in_postgres(connection: psycopg.Connection[Any], vector: Vector) -> dict[str, str]:
    """What Postgres reads out of a vector's bytes: its terms and the labels of their occurrences."""
    row = b"\0\1" + len(vector.content).to_bytes(4, "big") + vector.content
    connection.execute("CREATE TEMPORARY TABLE IF NOT EXISTS vectors (terms tsvector)")
    connection.execute("TRUNCATE vectors")
    with connection.cursor().copy("COPY vectors FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(binary_copy([row]))
    query = "SELECT lexeme, array_to_string(weights, '') FROM vectors, unnest(terms)"
    return dict(connection.execute(query).fetchall())
