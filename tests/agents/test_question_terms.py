import pytest
from hypothesis import given
from hypothesis import strategies as st

from riverrun.agents.question_terms import (
    SoughtTerms,
    coverage,
    is_about_the_whole,
    says_little_beside,
    says_only,
    terms,
)


def test_terms_are_the_meaningful_words_once_with_identifiers_split() -> None:
    assert terms("How does the HTTPServer parse_headers, and how does a server parse?") == [
        "http",
        "server",
        "parse",
        "headers",
    ]


def test_coverage_counts_terms_in_any_form() -> None:
    assert coverage(
        ["redirect", "limit", "cookie"], "Limits how often redirects are followed"
    ) == pytest.approx(2 / 3)
    assert coverage([], "anything") == 1.0


def test_short_words_match_only_themselves() -> None:
    assert SoughtTerms(["key"]).found_in("The key.") == {"key"}
    assert SoughtTerms(["key"]).found_in("keyboard") == set()
    assert SoughtTerms(["keyboard"]).found_in("key") == set()


def is_form_of(one: str, other: str) -> bool:
    """What a form is, said for one pair of words."""
    shorter = min(len(one), len(other))
    stem = max(4, shorter - 2)
    return one == other or (shorter >= 4 and one[:stem] == other[:stem])


words = st.text("xyz", min_size=2, max_size=9)


@given(st.sets(words), st.lists(words))
def test_exactly_the_terms_are_found_that_have_a_form_among_the_words(
    sought: set[str], text: list[str]
) -> None:
    expected = {term for term in sought if any(is_form_of(term, word) for word in text)}
    assert SoughtTerms(sought).found_in(" ".join(text)) == expected


def test_a_hundred_thousand_terms_are_looked_for_among_as_many_words_of_the_same_beginning() -> None:
    """Pair by pair it would be ten thousand million looks."""
    sought = {f"term{number:06}" for number in range(100_000)}
    assert SoughtTerms(sought).found_in(" ".join(sorted(sought))) == sought


def test_words_without_end_are_told_apart_by_their_beginnings() -> None:
    assert SoughtTerms(["x" * 1_000_000]).found_in("x" * 999_999)
    assert not SoughtTerms(["x" * 1_000_000]).found_in("y" * 1_000_000)


def test_coverage_reads_no_further_than_a_hundred_thousand_characters() -> None:
    assert coverage(["needle"], "a " * 49_990 + "needle") == 1.0
    assert coverage(["needle"], "a " * 50_000 + "needle") == 0.0


@pytest.mark.parametrize(
    "question",
    [
        "What does this project do?",
        "What is this library about?",
        "Give me an overview of the code",
        "readme",
        "What is it about?",
        "What does this gem do?",
    ],
)
def test_questions_about_the_repository_itself_are_recognised(question: str) -> None:
    assert is_about_the_whole(question)


@pytest.mark.parametrize(
    "question",
    [
        "How does this project sign cookies?",
        "Which library parses toml?",
        "Where is the server?",
        "main()",
        "",
    ],
)
def test_questions_about_something_in_it_are_not(question: str) -> None:
    assert not is_about_the_whole(question)


def test_a_question_of_nothing_but_a_name_is_told_from_one_that_says_more() -> None:
    assert says_only("What is Riverrun?", "riverrun-src")
    assert not says_only("Who calls riverrun?", "riverrun-src")
    assert not says_only("What is a lease of Riverrun?", "riverrun-src")
    assert not says_only("?", "riverrun-src")
    assert says_little_beside("What methods does the class WebSocket have?", "WebSocket")
    assert not says_little_beside("How does a WebSocket notice a server that stopped?", "WebSocket")
    assert not says_little_beside("a " * 200, "WebSocket")
