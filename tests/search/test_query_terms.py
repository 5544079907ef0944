"""Any text becomes few, distinct terms."""

from hypothesis import given
from hypothesis import strategies as st

from riverrun.search.query_terms import MAX_TERM_CHARS, MAX_TERMS, query_terms


def test_terms_are_distinct_and_keep_their_order() -> None:
    assert query_terms("redirect the client, redirect it") == ["redirect", "client"]


def test_punctuation_alone_has_no_terms() -> None:
    assert query_terms("?! '\" %_ \\ () & | <-> :*") == []


def test_a_hundred_thousand_characters_become_a_bounded_number_of_terms() -> None:
    assert len(query_terms(" ".join(f"word{number}" for number in range(15_000)))) == MAX_TERMS


@given(st.text())
def test_terms_are_short_and_never_empty(text: str) -> None:
    assert all(0 < len(term) <= MAX_TERM_CHARS for term in query_terms(text))
