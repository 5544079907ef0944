"""The few lines of a definition that a question is most likely about."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from riverrun.agents.code_language import language_of
from riverrun.agents.deps import Excerpt
from riverrun.agents.listing import shorten
from riverrun.agents.places import Place
from riverrun.agents.question_terms import SoughtTerms

MOST_LINES = 16
_LONGEST_LINE = 160
_LONGEST_LINE_READ = 1_000
_DOCSTRING_SEARCH_LINES = 20
_DOCSTRING_OPENING = re.compile(r'^\s*[rRuU]{0,2}("""|\'\'\')')
_CLASS_HEAD = re.compile(
    r"\s*(?:\w+\s+){0,4}(?:class|interface|struct|trait|impl|enum|module|namespace)\s+\w"
)
_HEAD_LINES = 3


@dataclass(frozen=True, slots=True)
class CodeWindow:
    """Adjoining lines of an excerpt; ``is_whole`` when nothing was left out."""

    place: Place
    lines: tuple[str, ...]
    starts_at_top: bool
    is_whole: bool

    @property
    def fenced(self) -> str:
        """The lines as a Markdown code block, without their common indentation."""
        code = textwrap.dedent("\n".join(shorten(line, _LONGEST_LINE) for line in self.lines))
        longest_run = max((len(run) for run in re.findall(r"`+", code)), default=0)
        fence = "`" * max(3, longest_run + 1)
        return f"{fence}{language_of(self.place.path)}\n{code}\n{fence}"


def best_window(excerpt: Excerpt, question_terms: Sequence[str]) -> CodeWindow | None:
    """The whole excerpt if it is short, else the lines after its docstring where most terms meet.

    None when there is nothing but blank lines or the docstring.
    """
    lines = excerpt.text.split("\n")
    if len(lines) <= MOST_LINES:
        return _window(excerpt, lines, 0, len(lines))
    sought = SoughtTerms(question_terms)
    found = [sought.found_in(line[:_LONGEST_LINE_READ]) for line in lines]
    first = _docstring_end(lines)
    if first == len(lines):
        return None
    starts = _clean_starts(lines, first)
    best = max(starts, key=lambda start: _score(found[start : start + MOST_LINES]))
    return _window(excerpt, lines, best, min(best + MOST_LINES, len(lines)))


def _clean_starts(lines: Sequence[str], first: int) -> Sequence[int]:
    """Where a window may begin: where nothing in it is indented less, and in a class only at its members."""
    starts = range(first, max(first + 1, len(lines) - MOST_LINES + 1))
    is_class = any(map(_CLASS_HEAD.match, lines[:_HEAD_LINES]))
    deepest = min(map(_indent, lines[max(first, 1) :])) if is_class else inf
    clean = [
        start
        for start in starts
        if _indent(lines[start]) <= min(deepest, *map(_indent, lines[start : start + MOST_LINES]))
        and not lines[start].lstrip().startswith((")", "]", "}"))
    ]
    return clean or [first]


def _indent(line: str) -> float:
    return len(line) - len(line.lstrip()) if line.strip() else inf


def _score(found: Sequence[set[str]]) -> tuple[int, int]:
    return len(set().union(*found)), sum(map(len, found))


def _window(excerpt: Excerpt, lines: Sequence[str], start: int, end: int) -> CodeWindow | None:
    while start < end and not lines[start].strip():
        start += 1
    while end > start and _leads_nowhere(lines[end - 1], is_last=end == len(lines)):
        end -= 1
    if start == end:
        return None
    first_line = excerpt.location.start_line
    place = Place(excerpt.location.path, first_line + start, first_line + end - 1)
    return CodeWindow(place, tuple(lines[start:end]), start == 0, len(lines) <= MOST_LINES)


def _leads_nowhere(line: str, *, is_last: bool) -> bool:
    """Blank, or the head of a block that the window does not reach."""
    return not line.strip() or (not is_last and line.rstrip().endswith((":", "{", "(")))


def _docstring_end(lines: Sequence[str]) -> int:
    """The number of lines up to and with a Python docstring at the beginning; 0 when there is none."""
    for number, line in enumerate(lines[:_DOCSTRING_SEARCH_LINES]):
        opening = _DOCSTRING_OPENING.match(line)
        if opening is None:
            continue
        if opening[1] in line[opening.end() :]:
            return number + 1
        closing = (after for after in range(number + 1, len(lines)) if opening[1] in lines[after])
        return next(closing, len(lines) - 1) + 1
    return 0
