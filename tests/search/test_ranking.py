"""BM25F's arithmetic: what makes one chunk better than another."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riverrun.search.ranking import (
    MOST_SELECTING_TERMS,
    SATURATION,
    Corpus,
    Match,
    rank,
    saturated,
    selecting_terms,
)

ONE, TWO = UUID(int=1), UUID(int=2)
EVEN = (4.0, 4.0, 4.0, 4.0)


def corpus(chunks: int = 1000, **frequencies: int) -> Corpus:
    return Corpus(chunks, EVEN, frequencies)


def match(chunk_id: int, term: str, labels: str = "D", *, project: UUID = ONE, lengths=(4, 4, 4, 4)) -> Match:
    return Match(chunk_id, project, lengths, term, labels)


def order(corpora, *matches: Match, limit: int = 10) -> list[int]:
    return [chunk.chunk_id for chunk in rank(corpora, matches, limit)]


def test_a_rare_term_counts_more_than_a_common_one() -> None:
    corpora = {ONE: corpus(rare=2, common=400)}
    assert order(corpora, match(1, "common"), match(2, "rare")) == [2, 1]


def test_a_term_in_the_name_counts_more_than_in_the_docstring_and_there_more_than_in_the_body() -> None:
    corpora = {ONE: corpus(term=10)}
    assert order(corpora, match(1, "term", "D"), match(2, "term", "C"), match(3, "term", "A")) == [3, 2, 1]


def test_a_short_chunk_is_more_about_its_terms_than_a_long_one() -> None:
    corpora = {ONE: corpus(term=10)}
    assert order(corpora, match(1, "term", lengths=(4, 4, 4, 400)), match(2, "term")) == [2, 1]


def test_two_terms_together_beat_one_term_ten_times() -> None:
    corpora = {ONE: corpus(left=10, right=10)}
    assert order(corpora, match(1, "left", "D" * 10), match(2, "left"), match(2, "right")) == [2, 1]


def test_rarity_is_measured_in_the_project_of_the_chunk() -> None:
    corpora = {ONE: corpus(term=500), TWO: corpus(term=1)}
    assert order(corpora, match(1, "term"), match(2, "term", project=TWO)) == [2, 1]


def test_equal_scores_keep_the_order_of_ids_and_the_limit_cuts() -> None:
    corpora = {ONE: corpus(term=10)}
    assert order(corpora, *(match(chunk, "term") for chunk in (3, 1, 2)), limit=2) == [1, 2]


def test_a_label_that_is_empty_everywhere_divides_by_nothing() -> None:
    corpora = {ONE: Corpus(10, (0.0, 0.0, 0.0, 0.0), {"term": 1})}
    assert order(corpora, match(1, "term", "ABCD", lengths=(0, 0, 0, 0))) == [1]


def test_terms_under_five_percent_select_and_the_rarest_comes_first() -> None:
    chosen = selecting_terms(
        {ONE: corpus(rare=3, rarer=1, common=51)}, ["common", "rare", "rarer", "unknown"]
    )
    assert list(chosen) == ["rarer", "rare"]
    assert chosen["rarer"] > chosen["rare"] > 0


def test_the_two_rarest_terms_select_when_all_are_common() -> None:
    chosen = selecting_terms({ONE: corpus(one=300, two=200, three=900)}, ["one", "two", "three"])
    assert list(chosen) == ["two", "one"]


def test_terms_that_no_chunk_holds_select_nothing() -> None:
    assert selecting_terms({ONE: corpus()}, ["unknown"]) == {}
    assert selecting_terms({}, ["unknown"]) == {}


def test_a_long_question_selects_by_its_rarest_terms_only() -> None:
    terms = [f"term{number}" for number in range(100)]
    frequencies = {term: 100 - number for number, term in enumerate(terms)}
    chosen = selecting_terms({ONE: corpus(10_000, **frequencies)}, terms)
    assert list(chosen) == list(reversed(terms))[:MOST_SELECTING_TERMS]


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_saturation_grows_with_the_count_and_is_bounded(less: float, more: float) -> None:
    less, more = sorted((less, more))
    assert 0 <= saturated(less) <= saturated(more) <= SATURATION + 1


@pytest.mark.parametrize("frequency", [0, 1, 499, 1000])
def test_rarity_is_never_negative(frequency: int) -> None:
    assert corpus(term=frequency).rarity("term") >= 0
