"""Print questions made out of docstrings: ``python -m tests.e2e.eval.docstring_questions questions|fresh_...|wide_...``.

A question is the first sentence of a docstring, drawn by lot with a fixed seed among all definitions of a package
whose sentence has 7 to 30 words, is the only one of its kind, and does not spell the definition's name. The later
lots also ask for five telling words: the first drew sentences that say nothing ("Given the routes, yields the
following information:"). The wide lot asks for eight lines of code: with its docstring hidden, an empty exception
class has nothing left to be found by. What the first lots drew stays in, and counts.
"""

import ast
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.e2e.eval.questions import (
    Definition,
    Lot,
    asked_packages,
    definitions,
    gives_away,
    holds_all_words,
    is_docstring,
    line_range,
    package_folder,
    read_questions,
)

from riverrun.search.query_terms import query_concepts

WORDS = range(7, 31)


@dataclass(frozen=True, slots=True)
class Draw:
    """How questions are drawn for each package."""

    seed: int
    questions: int
    telling_words: int
    code_lines: int
    may_hold_all_words: bool = False
    excluded: frozenset[str] = frozenset()


def draw_of(lot: Lot) -> Draw:
    if lot is Lot.FIRST:
        return Draw(20261124, 5, 0, 4)
    if lot is Lot.FRESH:
        first = frozenset(question.text for question in read_questions(Lot.FIRST))
        return Draw(20261125, 4, 5, 4, excluded=first)
    return Draw(20261126, 8, 5, 8, may_hold_all_words=True)


def main(lot: Lot, packages: Iterable[str]) -> None:
    draw = draw_of(lot)
    for package in packages:
        candidates = list(summaries(package, draw.code_lines))
        seen = Counter(summary for summary, _, _ in candidates)
        fair = [c for c in candidates if seen[c[0]] == 1 and is_fair(c[0], c[2].rsplit(".", 1)[-1], draw)]
        drawn = random.Random(draw.seed).sample(sorted(fair), draw.questions)
        for number, (summary, file, symbol) in enumerate(drawn):
            print_question(package, summary, file, symbol, held_out=number % 2 == 1)


def is_fair(text: str, name: str, draw: Draw) -> bool:
    """Whether a sentence may be asked."""
    if gives_away(text, name) or text in draw.excluded:
        return False
    if holds_all_words(text, name) and not draw.may_hold_all_words:
        return False
    return len(telling_words(text)) >= draw.telling_words


def summaries(package: str, fewest_code_lines: int) -> Iterator[tuple[str, str, str]]:
    """``(sentence, file, symbol)`` of every definition that could be asked for."""
    root = package_folder(package)
    for file in sorted(root.rglob("*.py")):
        for symbol, definition in definitions(file.read_text("utf-8")).items():
            summary = first_sentence(ast.get_docstring(definition) or "")
            if (
                len(summary.split()) in WORDS
                and code_lines(definition) >= fewest_code_lines
                and is_named(symbol)
            ):
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
    main(Lot(sys.argv[1]), sys.argv[2:] or list(asked_packages()))
