"""The evaluation's questions are fair: their places exist and no question spells its answer."""

import pytest
from tests.e2e.eval.questions import (
    Question,
    asked_versions,
    check_installed_versions,
    copy_package,
    definitions,
    gives_away,
    line_range,
    load_questions,
    package_folder,
)

QUESTIONS = load_questions()


def name_of(question: Question) -> str:
    return f"{question.package}-{question.places[0].name}"


def test_there_are_enough_questions_and_a_third_comes_from_docstrings() -> None:
    assert len(QUESTIONS) >= 40
    assert 3 * sum(question.from_docstring for question in QUESTIONS) == len(QUESTIONS)
    assert len({question.text for question in QUESTIONS}) == len(QUESTIONS)


def test_every_package_is_pinned_and_asked_as_often_as_the_others() -> None:
    check_installed_versions()
    counts = [sum(q.package == package for q in QUESTIONS) for package in asked_versions()]
    assert len(set(counts)) == 1
    assert sum(counts) == len(QUESTIONS)


@pytest.mark.parametrize("question", QUESTIONS, ids=name_of)
def test_a_question_has_existing_places_and_does_not_name_them(question: Question) -> None:
    for place in question.places:
        source = (package_folder(question.package) / place.file).read_text("utf-8")
        assert place.symbol in definitions(source)
        assert not gives_away(question.text, place.name)


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("Where is a redirect followed?", "_redirect", True),
        ("How is the URL of a redirect found?", "_redirect_url", True),
        ("How is a redirect found?", "_redirect_url", False),
        ("What is the HTTP transport?", "HTTPTransport", True),
        ("Who sends it?", "HTTPTransport", False),
    ],
)
def test_a_question_gives_away_a_name_by_spelling_it_or_all_its_words(
    text: str, name: str, expected: bool
) -> None:
    assert gives_away(text, name) is expected


def test_hiding_a_docstring_keeps_every_line_where_it_was(tmp_path) -> None:
    question = next(q for q in QUESTIONS if q.from_docstring and q.package == "starlette")
    place = question.places[0]
    original = (package_folder(question.package) / place.file).read_text("utf-8")
    copied = (copy_package(question.package, tmp_path, [place]) / place.file).read_text("utf-8")

    assert question.text in " ".join(original.split())
    assert question.text not in " ".join(copied.split())
    ranges = {name: line_range(node) for name, node in definitions(original).items()}
    assert {name: line_range(node) for name, node in definitions(copied).items()} == ranges
