"""Globs mean what gitignore's patterns mean."""

import re

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riverrun.search.path_glob import MAX_CHARS, MAX_CROSSINGS, NOTHING, glob_expression


def matches(pattern: str, path: str) -> bool:
    return re.match(glob_expression(pattern), path) is not None


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("**", "a/b/c.py"),
        ("*", "a/b/c.py"),
        ("*.py", "c.py"),
        ("*.py", "a/b/c.py"),
        ("a/*.py", "a/c.py"),
        ("a/**/*.py", "a/c.py"),
        ("a/**/*.py", "a/b/x/c.py"),
        ("**/c.py", "c.py"),
        ("./a", "a/b/c.py"),
        ("a/b/", "a/b/c.py"),
        ("c.??", "a/c.py"),
        ("a+b (1).py", "a+b (1).py"),
        ("", "anything"),
        ("a/**/**/c.py", "a/c.py"),
        ("a/***/c.py", "a/b/x/c.py"),
        ("a/****/c.py", "a/c.py"),
        ("*" * 1_000, "a/b/c.py"),
        ("a" * MAX_CHARS, "a" * MAX_CHARS),
        ("a**" * MAX_CROSSINGS, "a" * MAX_CROSSINGS),
    ],
)
def test_a_pattern_matches(pattern: str, path: str) -> None:
    assert matches(pattern, path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*.py", "c.pyc"),
        ("a/*.py", "a/b/c.py"),
        ("a/*.py", "x/a/c.py"),
        ("c.py", "cxpy"),
        ("a", "ab/c.py"),
        ("?", "ab"),
        ("a/****/c.py", "a/xc.py"),
        ("a" * (MAX_CHARS + 1), "a" * (MAX_CHARS + 1)),
        ("a**" * (MAX_CROSSINGS + 1), "a" * (MAX_CROSSINGS + 1)),
        ("*" + "?" * MAX_CHARS, "a" * MAX_CHARS),
    ],
)
def test_a_pattern_does_not_match(pattern: str, path: str) -> None:
    assert not matches(pattern, path)


@given(st.text(min_size=1))
def test_any_text_is_a_legal_expression_and_without_wildcards_matches_itself(text: str) -> None:
    plain = re.sub(r"^[./]+|[*?]|/+$", "", text)
    glob_expression(text)
    assert not plain or re.match(glob_expression(plain), plain)


def test_folders_crossed_again_and_again_are_crossed_once() -> None:
    assert glob_expression("**/" * 1_000 + "x") == glob_expression("**/x")
    assert not matches("**/" * 1_000 + "x", "folder/" * 1_000 + "y")


@given(st.text("*?/ab.", max_size=2 * MAX_CHARS))
def test_no_expression_is_long_or_crosses_folders_often(pattern: str) -> None:
    expression = glob_expression(pattern)
    around = len(glob_expression("a"))
    assert len(expression) <= around + len("[^/]*") * MAX_CHARS
    assert expression.count(".*") <= MAX_CROSSINGS + 2


@pytest.mark.parametrize("around", ["?{}", "{}?", "a{}", "{}*a"])
def test_a_pattern_that_winds_through_folders_matches_nothing(around: str) -> None:
    assert glob_expression(around.format("**/") * 100) == NOTHING


@pytest.mark.parametrize("unit", ["*a", "*?", "*a*b", "*/", "?", "a?*"])
def test_postgres_reads_the_longest_patterns_at_once(database_url: str, unit: str) -> None:
    """Tried one way after the other, as Python does, they would never end."""
    expression = glob_expression(unit * (MAX_CHARS // len(unit)))
    assert expression != NOTHING
    with psycopg.connect(database_url) as connection:
        found = connection.execute(
            "SELECT count(*) FROM generate_series(1, 1000) AS number WHERE repeat('ab', 300) || number || '/c' ~ %s",
            (expression,),
        ).fetchone()
    assert found


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("**/c.py", "c.py"),
        ("a/****/c.py", "a/xc.py"),
        ("a**" * MAX_CROSSINGS, "a" * 99),
        ("a" * 999, "a" * 999),
    ],
)
def test_postgres_reads_an_expression_as_python_does(database_url: str, pattern: str, path: str) -> None:
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT %s ~ %s", (path, glob_expression(pattern))).fetchone()
    assert row == (matches(pattern, path),)
