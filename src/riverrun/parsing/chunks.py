"""Cutting a file into searchable pieces: one a definition, windows for what lies between, sections for Markdown.

Every line belongs to exactly one piece, the innermost definition's, so that no text is counted twice.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from riverrun.kit.code_fence import fence_behind
from riverrun.parsing.symbols import Extraction, FoundSymbol

MAX_CHUNK_LINES = 150
MAX_WINDOW_LINES = 40
MAX_CHUNK_CHARS = 20_000
"""Keeps a piece's tsvector far under Postgres' limit of 1 MiB, whatever the lines look like."""
MIN_CONSTANT_LINES = 3

_WORD = re.compile(r"[^\W_]")
_HEADING = re.compile(r"#{1,6}\s+(\S.*)")


class Piece(NamedTuple):
    """A searchable piece; lines 1-based and inclusive. ``name`` is empty for a window between definitions."""

    name: str
    kind: str
    start_line: int
    end_line: int
    docstring: str
    body: str


def cut_code(extraction: Extraction, lines: list[str]) -> list[Piece]:
    """The pieces of a parsed file; ``lines`` without their ends."""
    owners = [symbol for symbol in extraction.symbols if _has_own_piece(symbol)]
    free_lines, lines_of_owner = _owned_lines(owners, len(lines))
    pieces = list(_windows(free_lines, lines, extraction.docstring))
    for symbol, own_lines in zip(owners, lines_of_owner, strict=True):
        pieces.extend(_definition(symbol, own_lines, lines))
    return pieces


def cut_markdown(lines: list[str]) -> list[Piece]:
    """One piece a heading, named by it and its parents (``Install > Linux``); long sections in several."""
    pieces: list[Piece] = []
    trail: list[tuple[int, str]] = []
    start, fence = 1, ""
    for number, line in enumerate([*lines, "# "], 1):
        fence = fence_behind(line, fence)
        at_end = number > len(lines)
        heading = None if fence or at_end else _HEADING.match(line)
        if not heading and not at_end:
            continue
        name = " > ".join(title for _, title in trail)[:200]
        for block in _blocks([range(start, number)], lines, MAX_WINDOW_LINES):
            pieces.append(block.piece(name, "section"))
        if heading:
            depth = len(line) - len(line.lstrip("#"))
            title = _title(heading[1])
            trail = [(level, above) for level, above in trail if level < depth] + [(depth, title)]
            start = number
    return pieces


def _title(text: str) -> str:
    """A heading's, without the ``#`` that may close it, before which there must be a space."""
    bare = text.rstrip().rstrip("#")
    return bare.rstrip() if bare[-1:].isspace() else text.rstrip()


def cut_text(lines: list[str]) -> list[Piece]:
    """Windows of any other text."""
    return list(_windows([range(1, len(lines) + 1)], lines, ""))


def _has_own_piece(symbol: FoundSymbol) -> bool:
    if symbol.is_local:
        return False
    return symbol.kind != "constant" or symbol.end_line - symbol.start_line + 1 >= MIN_CONSTANT_LINES


def _owned_lines(owners: list[FoundSymbol], count: int) -> tuple[list[range], list[list[range]]]:
    """Which lines nobody owns, and which each owner has for itself, as runs; owners come outermost first."""
    free: list[range] = []
    own: list[list[range]] = [[] for _ in owners]
    enclosing: list[int] = []
    line = 1

    def advance(until: int) -> None:
        nonlocal line
        until = min(until, count + 1)
        if until > line:
            (own[enclosing[-1]] if enclosing else free).append(range(line, until))
            line = until

    for number, symbol in enumerate(owners):
        while enclosing and owners[enclosing[-1]].end_line < symbol.text_start_line:
            advance(owners[enclosing[-1]].end_line + 1)
            enclosing.pop()
        advance(symbol.text_start_line)
        enclosing.append(number)
    while enclosing:
        advance(owners[enclosing[-1]].end_line + 1)
        enclosing.pop()
    advance(count + 1)
    return free, own


def _definition(symbol: FoundSymbol, own_lines: list[range], lines: list[str]) -> Iterator[Piece]:
    """The whole range with the lines that no inner piece owns; what is too long goes on in further pieces.

    A comment before the definition and a docstring in it are its docstring, and not once more its body.
    """
    docstring = symbol.docstring_lines
    runs: list[range] = []
    for run in own_lines:
        run = range(max(run.start, symbol.start_line), run.stop)
        if docstring and run.start < docstring.stop and docstring.start < run.stop:
            runs += [range(run.start, docstring.start), range(docstring.stop, run.stop)]
        else:
            runs.append(run)
    blocks = list(_blocks(runs, lines, MAX_CHUNK_LINES))
    yield Piece(
        symbol.qualified_name,
        symbol.kind,
        symbol.start_line,
        symbol.end_line,
        symbol.docstring,
        blocks[0].text if blocks else "",
    )
    for block in blocks[1:]:
        yield block.piece(symbol.qualified_name, symbol.kind)


def _windows(free_lines: list[range], lines: list[str], docstring: str) -> Iterator[Piece]:
    for run in free_lines:
        for block in _blocks([run], lines, MAX_WINDOW_LINES):
            yield block.piece("", "window", docstring)
            docstring = ""


class _Block(NamedTuple):
    first: int
    last: int
    text: str

    def piece(self, name: str, kind: str, docstring: str = "") -> Piece:
        return Piece(name, kind, self.first, self.last, docstring, self.text)


def _blocks(runs: list[range], lines: list[str], max_lines: int) -> Iterator[_Block]:
    """Runs of lines joined and cut to the limits, without blank lines at their ends; wordless ones are left out."""
    numbers = runs[0] if len(runs) == 1 else [number for run in runs for number in run]
    texts = [text for run in runs for text in lines[run.start - 1 : run.stop - 1]]
    for start in range(0, len(numbers), max_lines):
        first, last = start, min(start + max_lines, len(numbers)) - 1
        while first < last and not texts[first].strip():
            first += 1
        while last > first and not texts[last].strip():
            last -= 1
        text = "\n".join(texts[first : last + 1])
        for offset in range(0, len(text), MAX_CHUNK_CHARS):
            part = text[offset : offset + MAX_CHUNK_CHARS]
            if _WORD.search(part):
                yield _Block(numbers[first], numbers[last], part)
