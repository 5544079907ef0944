"""``make eval``: how often search finds the known places of the committed questions.

Prints what was missed, the figures of each package and kind of question, and in the last line those of all.
"""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from tests.e2e.eval.evaluation import Cited, ask_extractive_model, ask_search, index_package
from tests.e2e.eval.questions import Lot, asked_packages, check_installed_versions, load_questions
from tests.e2e.eval.scoring import Answer, figures

from riverrun.embedded import EmbeddedServers
from riverrun.infra.database import open_engine
from riverrun.migrations import upgrade

SHOWN_HITS = 3


def main() -> None:
    check_installed_versions()
    answers: list[Answer] = []
    cited: list[Cited] = []
    with tempfile.TemporaryDirectory() as folder, started_servers(Path(folder)) as servers:
        upgrade(servers.database_url)
        engine = open_engine(servers.database_url)
        for name in asked_packages():
            questions = [question for question in load_questions() if question.package == name]
            package = index_package(engine, name, questions, Path(folder))
            print(f"{name}: {package.chunks} chunks in {package.seconds:.1f} s", flush=True)
            answers += ask_search(engine, package, questions)
            if "RIVERRUN_EVAL_SEARCH_ONLY" not in os.environ:
                cited += ask_extractive_model(engine, package, questions)
        engine.dispose()
    report(answers)
    if cited:
        print(f"citations: questions={len(cited)} cited_right={sum(one.right for one in cited)}")
    print(f"eval: {figures(answers)}")


def started_servers(folder: Path) -> EmbeddedServers:
    return EmbeddedServers.start(folder / "servers", durable=False)


def report(answers: Sequence[Answer]) -> None:
    """What was not among the first three, then the figures of every group."""
    for answer in answers:
        if answer.rank is None or answer.rank > SHOWN_HITS:
            print_miss(answer)
    for package in asked_packages():
        print(f"{package}: {figures([answer for answer in answers if answer.question.package == package])}")
    for label, group in groups(answers).items():
        print(f"{label}: {figures(group)}")
    print(f"a search takes {1000 * median(answer.seconds for answer in answers):.0f} ms in the median")


def groups(answers: Sequence[Answer]) -> dict[str, list[Answer]]:
    sets = {
        "first lot, tuned on": lambda question: question.lot is Lot.FIRST and not question.held_out,
        "first lot, held out": lambda question: question.lot is Lot.FIRST and question.held_out,
        "fresh lot": lambda question: question.lot is Lot.FRESH,
        "wide lot, tuned on": lambda question: question.lot is Lot.WIDE and not question.held_out,
        "wide lot, held out": lambda question: question.lot is Lot.WIDE and question.held_out,
        "all written by hand": lambda question: not question.from_docstring,
        "all from docstrings": lambda question: question.from_docstring,
    }
    return {
        label: [answer for answer in answers if belongs(answer.question)] for label, belongs in sets.items()
    }


def print_miss(answer: Answer) -> None:
    question = answer.question
    place = f"rank {answer.rank}" if answer.rank else "not found"
    print(f"\n{place}: {question.package}: {question.text}")
    print(f"  wanted {', '.join(f'{place.file} {place.symbol}' for place in question.places)}")
    for hit in answer.found[:SHOWN_HITS]:
        print(f"  got    {hit}")


if __name__ == "__main__":
    main()
