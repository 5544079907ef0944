"""Globs mean what gitignore's patterns mean."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riverrun.search.path_glob import glob_expression


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
    ],
)
def test_a_pattern_does_not_match(pattern: str, path: str) -> None:
    assert not matches(pattern, path)


@given(st.text(min_size=1))
def test_any_text_is_a_legal_expression_and_without_wildcards_matches_itself(text: str) -> None:
    plain = re.sub(r"^[./]+|[*?]|/+$", "", text)
    glob_expression(text)
    assert not plain or re.match(glob_expression(plain), plain)
