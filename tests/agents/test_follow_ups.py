import pytest

from riverrun.agents.follow_ups import resolve_reference
from riverrun.agents.question_names import identifiers
from riverrun.agents.question_terms import terms


@pytest.mark.parametrize(
    "question",
    [
        "Who calls it?",
        "And in tests?",
        "Why?",
        "Is that tested?",
        "What does it return?",
        "show me the test",
        "What is the default?",
        "more",
    ],
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
        "And refund?",
        "What is the default timeout?",
    ],
)
def test_a_question_of_its_own_stays_as_it_is(question: str) -> None:
    assert resolve_reference(question, "How does AsyncClient limit redirects?") == question


def test_the_first_question_has_nothing_to_lean_on() -> None:
    assert resolve_reference("Who calls it?", None) == "Who calls it?"
