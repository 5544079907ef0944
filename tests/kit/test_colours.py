"""Colours lose no character, and no text can hold the scanner up."""

import re
from collections.abc import Iterator
from re import _parser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riverrun.kit.colours import LANGUAGES, _scanner, coloured


@given(st.sampled_from(sorted(LANGUAGES)), st.text(alphabet="'\"`\\/*#-<!>@$[]{}:=.a1_ \nß"))
@settings(max_examples=300)
def test_the_pieces_joined_are_the_text(language: str, text: str) -> None:
    assert "".join(piece for _, piece in coloured(language, text)) == text


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_no_pattern_ever_gives_back_what_it_took(language: str) -> None:
    """Backtracking needs a repetition that is not possessive: there is none, so there is no hostile text."""
    assert list(_giving_back(_parser.parse(_scanner(language).pattern, re.DOTALL))) == []


def test_the_search_for_such_repetitions_finds_them() -> None:
    assert list(_giving_back(_parser.parse(r"(?:a+|b)*+|(?P<x>c*?)"))) == ["MAX_REPEAT", "MIN_REPEAT"]


def _giving_back(tree: Any) -> Iterator[str]:
    for node in tree if isinstance(tree, _parser.SubPattern | list | tuple) else ():
        if isinstance(node, tuple) and node and str(node[0]) in ("MAX_REPEAT", "MIN_REPEAT"):
            yield str(node[0])
        yield from _giving_back(node)


def test_words_strings_comments_and_names_have_their_colours() -> None:
    text = '@cached\nasync def run(self, n=1):  # why\n    """Doc\n    more"""\n    return None'
    assert [piece for piece in coloured("python", text) if piece[0]] == [
        ("nd", "@cached"),
        ("k", "async"),
        ("k", "def"),
        ("nf", "run"),
        ("kc", "self"),
        ("m", "1"),
        ("c", "# why"),
        ("s", '"""Doc\n    more"""'),
        ("k", "return"),
        ("kc", "None"),
    ]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("rust", "fn get<'a>(x: &'a str) {}", ("nf", "get")),
        ("go", "func (s *Server) Run() {} // go", ("c", "// go")),
        ("sql", "SELECT 1 FROM t -- all", ("k", "SELECT")),
        ("diff", "+added\n-gone", ("gi", "+added")),
        ("yaml", "name: x # y", ("nt", "name")),
        ("html", "<!-- a - b --><p class='x'>", ("nt", "<p")),
    ],
)
def test_other_languages_have_them_too(language: str, text: str, expected: tuple[str, str]) -> None:
    assert expected in list(coloured(language, text))
