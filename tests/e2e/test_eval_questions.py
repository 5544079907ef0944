"""The evaluation's questions are fair: their places exist and no question spells its answer."""

from collections import Counter

import pytest
from tests.e2e.eval.questions import (
    Lot,
    Question,
    asked_packages,
    check_installed_versions,
    copy_package,
    definitions,
    gives_away,
    holds_all_words,
    line_range,
    load_questions,
    package_folder,
)

QUESTIONS = load_questions()


def name_of(question: Question) -> str:
    return f"{question.package}-{question.places[0].name}"


@pytest.mark.parametrize("lot", Lot)
def test_a_third_of_each_lot_comes_from_docstrings_and_no_question_is_asked_twice(lot: Lot) -> None:
    questions = [question for question in QUESTIONS if question.lot is lot]
    assert len(questions) >= 48
    assert 3 * sum(question.from_docstring for question in questions) == len(questions)
    assert len({question.text for question in QUESTIONS}) == len(QUESTIONS)


@pytest.mark.parametrize("lot", Lot)
def test_every_package_is_pinned_and_asked_as_often_as_the_others_of_its_lot(lot: Lot) -> None:
    check_installed_versions()
    counts = Counter(question.package for question in QUESTIONS if question.lot is lot)
    assert len(set(counts.values())) == 1
    assert set(counts) <= set(asked_packages())


@pytest.mark.parametrize("question", QUESTIONS, ids=name_of)
def test_a_question_has_existing_places_and_does_not_name_them(question: Question) -> None:
    for place in question.places:
        source = (package_folder(question.package) / place.file).read_text("utf-8")
        assert place.symbol in definitions(source)
        assert not gives_away(question.text, place.name)
        assert question.lot is Lot.WIDE or not holds_all_words(question.text, place.name)


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("Where is a redirect followed?", "_redirect", True),
        ("Where is the redirect-URL made?", "_redirect_url", True),
        ("Where is _redirect_url called?", "redirect_url", True),
        ("How is the URL of a redirect found?", "_redirect_url", False),
        ("How is a redirect found?", "_redirect_url", False),
    ],
)
def test_a_question_gives_away_a_name_by_spelling_it(text: str, name: str, expected: bool) -> None:
    assert gives_away(text, name) is expected


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("How is the URL of a redirect found?", "_redirect_url", True),
        ("What is the HTTP transport?", "HTTPTransport", True),
        ("Who sends it?", "HTTPTransport", False),
        ("Where is a redirect followed?", "_redirect", False),
    ],
)
def test_the_first_lots_also_hold_no_question_with_all_words_of_a_name(
    text: str, name: str, expected: bool
) -> None:
    assert holds_all_words(text, name) is expected


def test_hiding_a_docstring_keeps_every_line_where_it_was(tmp_path) -> None:
    question = next(q for q in QUESTIONS if q.from_docstring and q.package == "starlette")
    place = question.places[0]
    original = (package_folder(question.package) / place.file).read_text("utf-8")
    copied = (copy_package(question.package, tmp_path, [place]) / place.file).read_text("utf-8")

    assert question.text in " ".join(original.split())
    assert question.text not in " ".join(copied.split())
    ranges = {name: line_range(node) for name, node in definitions(original).items()}
    assert {name: line_range(node) for name, node in definitions(copied).items()} == ranges
