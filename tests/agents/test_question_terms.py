import pytest

from riverrun.agents.question_terms import (
    coverage,
    has_term,
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
    assert has_term("key", ["key"])
    assert not has_term("key", ["keyboard"])


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
