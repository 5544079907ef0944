"""The quick form of ``make eval``: one small package, indexed and asked as in the long form."""

from pathlib import Path

from sqlalchemy import Engine
from tests.e2e.eval.evaluation import ask_search, index_package
from tests.e2e.eval.questions import load_questions
from tests.e2e.eval.scoring import figures, recall

PACKAGE = "starlette"
FLOOR = 0.6
"""Under the figure of the long form, so that only a real loss fails."""


def test_search_finds_most_known_places_of_a_package_among_the_first_three(
    engine: Engine, tmp_path: Path
) -> None:
    questions = [question for question in load_questions() if question.package == PACKAGE]
    package = index_package(engine, PACKAGE, questions, tmp_path)
    answers = list(ask_search(engine, package, questions))
    assert len(answers) == len(questions)
    assert recall(answers, 3) >= FLOOR, figures(answers)
