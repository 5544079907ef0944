import pytest
from hypothesis import given
from hypothesis import strategies as st

from riverrun.agents.question_terms import (
    SoughtTerms,
    coverage,
    identifiers,
    is_about_the_whole,
    resolve_reference,
    terms,
)


def test_terms_are_the_meaningful_words_once_with_identifiers_split() -> None:
    assert terms("How does the HTTPServer parse_headers, and how does a server parse?") == [
        "http",
        "server",
        "parse",
        "headers",
    ]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("What does `Client.send()` do?", ["Client.send"]),
        ("Who calls parse_headers?", ["parse_headers"]),
        ("How is AsyncClient closed with close()?", ["AsyncClient", "close"]),
        ("What is __init__ for in os.path.join?", ["__init__", "os.path.join"]),
        ("How, e.g. on GitHub.com, are keys checked?", []),
        ("How are `two words` found?", []),
    ],
)
def test_names_of_code_are_recognised(text: str, names: list[str]) -> None:
    assert identifiers(text) == names


@pytest.mark.parametrize(
    "question", ["Who calls it?", "And in tests?", "Why?", "Is that tested?", "What does it return?"]
)
def test_a_question_that_leans_on_the_last_one_takes_its_terms(question: str) -> None:
    resolved = resolve_reference(question, "How does AsyncClient limit redirects?")
    assert resolved.startswith(question)
    assert {"async", "client", "limit", "redirects"} <= set(terms(resolved))
    assert identifiers(resolved) == ["AsyncClient"]


@pytest.mark.parametrize(
    "question",
    [
        "How are cookies stored?",
        "Which function parses that header into a list of media types with weights?",
        "Where is `Client` defined and is it public?",
        "xyzzy",
    ],
)
def test_a_question_of_its_own_stays_as_it_is(question: str) -> None:
    assert resolve_reference(question, "How does AsyncClient limit redirects?") == question


def test_the_first_question_has_nothing_to_lean_on() -> None:
    assert resolve_reference("Who calls it?", None) == "Who calls it?"


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
    ],
)
def test_questions_about_the_repository_itself_are_recognised(question: str) -> None:
    assert is_about_the_whole(question)


@pytest.mark.parametrize(
    "question", ["How does this project sign cookies?", "Which library parses toml?", "main()", ""]
)
def test_questions_about_something_in_it_are_not(question: str) -> None:
    assert not is_about_the_whole(question)
