"""BM25F's arithmetic: what makes one chunk better than another."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riverrun.search.ranking import (
    MOST_POSTINGS,
    SATURATION,
    Candidate,
    Corpus,
    rank,
    saturated,
    selecting_terms,
    strongest,
)

ONE, TWO = UUID(int=1), UUID(int=2)
EVEN = (4.0, 4.0, 4.0, 4.0)


def corpus(chunks: int = 1000, **frequencies: int) -> Corpus:
    return Corpus(chunks, EVEN, frequencies)


def candidate(
    chunk_id: int,
    *,
    project: UUID = ONE,
    path: str = "src/code.py",
    name: str = "name",
    kind: str = "function",
    lengths: tuple[int, ...] = (4, 4, 4, 4),
    **labels: str,
) -> Candidate:
    """A chunk with its terms as keywords: ``term="AD"`` stands once in the name, once in the body."""
    return Candidate(chunk_id, project, path, name, kind, lengths, list(labels), list(labels.values()))


def order(corpora, asked: str, *candidates: Candidate, limit: int = 10) -> list[int]:
    concepts = [{term: 1.0} for term in asked.split()]
    return [ranked.chunk_id for ranked in rank(corpora, concepts, candidates, limit)]


def test_a_rare_term_counts_more_than_a_common_one() -> None:
    corpora = {ONE: corpus(rare=2, common=400)}
    assert order(corpora, "common rare", candidate(1, common="D"), candidate(2, rare="D")) == [2, 1]


def test_a_term_in_the_name_counts_more_than_in_the_body() -> None:
    corpora = {ONE: corpus(term=10)}
    assert order(corpora, "term", candidate(1, term="D"), candidate(2, term="A")) == [2, 1]


def test_a_short_body_is_more_about_its_terms_than_a_long_one() -> None:
    corpora = {ONE: corpus(term=10)}
    assert order(corpora, "term", candidate(1, term="D", lengths=(4, 4, 4, 400)), candidate(2, term="D")) == [
        2,
        1,
    ]


def test_two_terms_together_beat_one_term_ten_times() -> None:
    corpora = {ONE: corpus(left=10, right=10)}
    assert order(corpora, "left right", candidate(1, left="D" * 10), candidate(2, left="D", right="D")) == [
        2,
        1,
    ]


def test_a_synonym_counts_less_than_the_word_and_both_together_are_one_concept() -> None:
    corpora = {ONE: corpus(word=10, synonym=10, other=10)}
    concepts = [{"word": 1.0, "synonym": 0.4}, {"other": 1.0}]
    chunks = [
        candidate(1, synonym="D"),
        candidate(2, word="D"),
        candidate(3, word="D", synonym="D"),
        candidate(4, word="D", other="D"),
    ]
    assert [ranked.chunk_id for ranked in rank(corpora, concepts, chunks, 10)] == [4, 3, 2, 1]


def test_rarity_is_measured_in_the_project_of_the_chunk() -> None:
    corpora = {ONE: corpus(term=500), TWO: corpus(term=1)}
    assert order(corpora, "term", candidate(1, term="D"), candidate(2, term="D", project=TWO)) == [2, 1]


def test_equal_scores_keep_the_order_of_ids_and_the_limit_cuts() -> None:
    corpora = {ONE: corpus(term=10)}
    assert order(corpora, "term", *(candidate(chunk, term="D") for chunk in (3, 1, 2)), limit=2) == [1, 2]


def test_a_label_that_is_empty_everywhere_divides_by_nothing() -> None:
    corpora = {ONE: Corpus(10, (0.0, 0.0, 0.0, 0.0), {"term": 1})}
    assert order(corpora, "term", candidate(1, term="ABCD", lengths=(0, 0, 0, 0))) == [1]


@pytest.mark.parametrize(
    "path", ["tests/code.py", "src/testing/code.py", "pkg/test_code.py", "pkg/code_test.go"]
)
def test_a_test_comes_after_what_it_tests_unless_tests_are_asked_for(path: str) -> None:
    corpora = {ONE: corpus(term=10, test=10)}
    chunks = candidate(1, term="D", test="D", path=path), candidate(2, term="D", test="D")
    assert order(corpora, "term", *chunks) == [2, 1]
    assert order(corpora, "term test", *chunks) == [1, 2]


@pytest.mark.parametrize("path", ["src/latest/code.py", "src/contest.py", "attestation/code.py"])
def test_a_word_that_only_holds_test_is_no_test(path: str) -> None:
    corpora = {ONE: corpus(term=10)}
    assert order(corpora, "term", candidate(1, term="D", path=path), candidate(2, term="D")) == [1, 2]


def test_a_definition_comes_before_the_lines_between_definitions() -> None:
    corpora = {ONE: corpus(term=10)}
    assert order(corpora, "term", candidate(1, term="D", name=""), candidate(2, term="D")) == [2, 1]


@pytest.mark.parametrize("kind", ["class", "constant"])
def test_what_does_something_comes_before_what_only_declares_it(kind: str) -> None:
    corpora = {ONE: corpus(term=10)}
    assert order(corpora, "term", candidate(1, term="D", kind=kind), candidate(2, term="D")) == [2, 1]


@pytest.mark.parametrize("name", ["Client.__init__", "constructor"])
def test_a_constructor_comes_after_the_methods(name: str) -> None:
    corpora = {ONE: corpus(term=10)}
    methods = candidate(1, term="D", name=name), candidate(2, term="D", name="Client.send")
    assert order(corpora, "term", *methods) == [2, 1]


def test_a_chunk_gains_by_the_share_of_its_path_that_the_question_says() -> None:
    corpora = {ONE: corpus(term=10, redis=10)}
    half = candidate(1, term="D", redis="BD", lengths=(4, 2, 4, 4))
    whole = candidate(2, term="D", redis="BD", lengths=(4, 1, 4, 4))
    assert order(corpora, "term redis", half, whole) == [2, 1]


def test_of_two_names_the_one_with_more_code_under_it_comes_first() -> None:
    corpora = {ONE: corpus(term=10)}
    bodies = candidate(1, term="A", lengths=(4, 4, 4, 2)), candidate(2, term="A", lengths=(4, 4, 4, 80))
    assert order(corpora, "term", *bodies) == [2, 1]


def test_a_term_of_several_concepts_has_its_greatest_weight() -> None:
    assert strongest([{"one": 1.0, "two": 0.4}, {"two": 0.8}]) == {"one": 1.0, "two": 0.8}


def selected(corpora, *concepts: dict[str, float]) -> list[str]:
    return [one.term for one in selecting_terms(corpora, concepts)]


def test_the_most_telling_terms_select_and_unknown_ones_do_not() -> None:
    corpora = {ONE: corpus(rare=3, rarer=1, related=3)}
    concepts = [{"rare": 1.0, "related": 0.4}, {"rarer": 1.0}, {"unknown": 1.0}]
    assert selected(corpora, *concepts) == ["rarer", "rare", "related"]


def test_terms_select_as_long_as_their_postings_are_few() -> None:
    many = MOST_POSTINGS // 2
    corpora = {ONE: corpus(100_000, one=many - 2, two=many - 1, three=many, four=many + 1)}
    assert selected(corpora, *({term: 1.0} for term in ("one", "two", "three", "four"))) == ["one", "two"]


def test_the_two_rarest_terms_select_however_common_they_are() -> None:
    corpora = {ONE: corpus(100_000, one=30_000, two=20_000, three=90_000)}
    assert selected(corpora, {"one": 1.0}, {"two": 1.0}, {"three": 1.0}) == ["two", "one"]


def test_nothing_selects_where_there_is_nothing() -> None:
    assert selected({}, {"term": 1.0}) == []
    assert selected({ONE: corpus()}, {"term": 1.0}) == []
    assert selected({ONE: corpus(term=1)}) == []


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_saturation_grows_with_the_count_and_is_bounded(less: float, more: float) -> None:
    less, more = sorted((less, more))
    assert 0 <= saturated(less) <= saturated(more) <= SATURATION + 1


@pytest.mark.parametrize("frequency", [0, 1, 499, 1000])
def test_rarity_is_never_negative(frequency: int) -> None:
    assert corpus(term=frequency).rarity({"term": 1.0}) >= 0
