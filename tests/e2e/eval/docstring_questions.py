"""Print questions made out of docstrings, as TOML: ``python -m tests.e2e.eval.docstring_questions first|fresh``.

A question is the first sentence of a docstring, drawn by lot with a fixed seed among all definitions of a package
whose sentence has 7 to 30 words, is the only one of its kind, and does not spell the definition's name. The fresh
lot also asks for five telling words: the first drew sentences that say nothing ("Given the routes, yields the
following information:"). They stay in, and count.
"""

import ast
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tests.e2e.eval.questions import (
    QUESTIONS_FILE,
    Definition,
    asked_versions,
    definitions,
    gives_away,
    is_docstring,
    line_range,
    package_folder,
    read_questions,
)

from riverrun.search.query_terms import query_concepts

CODE_LINES = 4
WORDS = range(7, 31)


@dataclass(frozen=True, slots=True)
class Lot:
    """How questions are drawn for each package."""

    seed: int
    questions: int
    telling_words: int
    excluded: frozenset[str] = frozenset()


FIRST_SET = frozenset(question.text for question in read_questions(QUESTIONS_FILE))
LOTS = {"first": Lot(20261124, 5, 0), "fresh": Lot(20261125, 4, 5, FIRST_SET)}


def main(lot: Lot) -> None:
    for package in asked_versions():
        candidates = list(summaries(package))
        seen = Counter(summary for summary, _, _ in candidates)
        unique = [c for c in candidates if seen[c[0]] == 1 and not gives_away(c[0], c[2].rsplit(".", 1)[-1])]
        telling = [
            c for c in unique if len(telling_words(c[0])) >= lot.telling_words and c[0] not in lot.excluded
        ]
        drawn = random.Random(lot.seed).sample(sorted(telling), lot.questions)
        for number, (summary, file, symbol) in enumerate(drawn):
            print_question(package, summary, file, symbol, held_out=number % 2 == 1)


def summaries(package: str) -> Iterator[tuple[str, str, str]]:
    """``(sentence, file, symbol)`` of every definition that could be asked for."""
    root = package_folder(package)
    for file in sorted(root.rglob("*.py")):
        for symbol, definition in definitions(file.read_text("utf-8")).items():
            summary = first_sentence(ast.get_docstring(definition) or "")
            if len(summary.split()) in WORDS and code_lines(definition) >= CODE_LINES and is_named(symbol):
                yield summary, file.relative_to(root).as_posix(), symbol


def first_sentence(docstring: str) -> str:
    """The first sentence in one line, without reStructuredText or Markdown marks."""
    paragraph = " ".join(docstring.split("\n\n")[0].split())
    plain = re.sub(r":[\w:]+:`[~.!@_\-]*([^`<]*?)\s*(?:<[^>]*>)?`", r"\1", paragraph)
    return re.split(r"(?<=[.!?])\s|::$", plain.replace("`", "").replace("*", ""))[0].strip()


def telling_words(sentence: str) -> set[str]:
    """The words that say what is asked for."""
    return {term for concept in query_concepts(sentence) for term, weight in concept.items() if weight == 1.0}


def code_lines(definition: Definition) -> int:
    """Lines of the definition without its docstring."""
    first, last = line_range(definition)
    docstring = definition.body[0]
    hidden = (
        (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1 if is_docstring(docstring) else 0
    )
    return last - first + 1 - hidden


def is_named(symbol: str) -> bool:
    return not symbol.rsplit(".", 1)[-1].startswith("__")


def print_question(package: str, text: str, file: str, symbol: str, *, held_out: bool) -> None:
    print("[[questions]]")
    print(f"package = {json.dumps(package)}")
    print(f"text = {json.dumps(text, ensure_ascii=False)}")
    print(f"places = [{{ file = {json.dumps(file)}, symbol = {json.dumps(symbol)} }}]")
    print("from_docstring = true")
    print(f"held_out = {json.dumps(held_out)}\n")


if __name__ == "__main__":
    main(LOTS[sys.argv[1]])
