"""Any text becomes few, distinct concepts."""

from hypothesis import given
from hypothesis import strategies as st

from riverrun.parsing.terms import MAX_TERM_CHARS
from riverrun.search.query_terms import (
    FORM_WEIGHT,
    MAX_CONCEPTS,
    MEANT_WEIGHT,
    MOST_EXPANDED_CONCEPTS,
    SYNONYM_FORM_WEIGHT,
    SYNONYM_WEIGHT,
    query_concepts,
)
from riverrun.search.thesaurus import code_words_of_phrases


def words(query: str) -> list[str]:
    """The words that were asked for themselves."""
    return [term for concept in query_concepts(query) for term, weight in concept.items() if weight == 1.0]


def test_concepts_are_distinct_and_keep_their_order() -> None:
    assert words("redirect the client, redirect it") == ["redirect", "client"]


def test_a_concept_holds_the_words_forms_and_synonyms_each_with_less_weight() -> None:
    [concept] = query_concepts("passwords")
    assert concept["password"] == 1.0
    assert concept["secret"] == SYNONYM_WEIGHT
    [concept] = query_concepts("redirected")
    assert concept["redirected"] == 1.0
    assert concept["redirect"] == concept["redirection"] == FORM_WEIGHT
    assert concept["hop"] == SYNONYM_WEIGHT
    assert concept["forwarded"] == SYNONYM_FORM_WEIGHT


def test_a_word_and_a_phrase_bring_along_what_they_may_mean_with_the_least_weight() -> None:
    [concept] = query_concepts("randomized")
    assert FORM_WEIGHT > SYNONYM_FORM_WEIGHT > MEANT_WEIGHT >= concept["jitter"] > 0
    phrase = query_concepts("does it give up?")[-1]
    assert phrase["timeout"] == MEANT_WEIGHT
    assert max(phrase.values()) == MEANT_WEIGHT


def test_a_phrase_of_words_that_say_nothing_is_not_searched_for_alone() -> None:
    assert code_words_of_phrases("who you are")
    assert query_concepts("who you are") == []


def test_words_of_asking_are_left_out_unless_nothing_else_is_asked() -> None:
    assert words("What happens to a cookie once it got used?") == ["cookie"]
    assert words("want to know") == ["want", "know"]


def test_punctuation_alone_has_no_concepts() -> None:
    assert query_concepts("?! '\" %_ \\ () & | <-> :*") == []


def test_a_hundred_thousand_characters_become_a_bounded_number_of_terms() -> None:
    concepts = query_concepts(" ".join(f"word{number}" for number in range(15_000)))
    assert len(concepts) == MAX_CONCEPTS
    assert all(len(concept) == 1 for concept in concepts)


def test_a_long_text_is_searched_for_in_its_own_words() -> None:
    few = [f"word{number}" for number in range(MOST_EXPANDED_CONCEPTS)]
    assert all(len(concept) > 1 for concept in query_concepts(" ".join(few)))
    assert all(len(concept) == 1 for concept in query_concepts(" ".join([*few, "one", "more"])))


@given(st.text())
def test_terms_are_short_and_never_empty(text: str) -> None:
    asked = [term for concept in query_concepts(text) for term, weight in concept.items() if weight == 1.0]
    assert all(0 < len(term) <= MAX_TERM_CHARS for term in asked)
