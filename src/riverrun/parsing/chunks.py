"""Cutting a file into searchable pieces: one a definition, windows for what lies between, sections for Markdown.

Every line belongs to exactly one piece, the innermost definition's, so that no text is counted twice.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from riverrun.parsing.symbols import Extraction, FoundSymbol

MAX_CHUNK_LINES = 150
MAX_WINDOW_LINES = 40
MAX_CHUNK_CHARS = 20_000
"""Keeps a piece's tsvector far under Postgres' limit of 1 MiB, whatever the lines look like."""
MIN_CONSTANT_LINES = 3

_WORD = re.compile(r"[^\W_]")
_HEADING = re.compile(r"#{1,6}\s+(.+?)\s*#*\s*$")
_FENCE = re.compile(r"\s{0,3}(```|~~~)")


@dataclass(frozen=True, slots=True)
class Piece:
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
    owner_of_line = [-1] * (len(lines) + 2)
    for number, symbol in enumerate(owners):
        first, last = symbol.text_start_line, symbol.end_line
        owner_of_line[first : last + 1] = [number] * (last + 1 - first)
    own_lines: list[list[int]] = [[] for _ in owners]
    free_lines: list[int] = []
    for line in range(1, len(lines) + 1):
        number = owner_of_line[line]
        (own_lines[number] if number >= 0 else free_lines).append(line)
    pieces = list(_windows(free_lines, lines, extraction.docstring))
    for symbol, numbers in zip(owners, own_lines, strict=True):
        pieces.extend(_definition(symbol, numbers, lines))
    return pieces


def cut_markdown(lines: list[str]) -> list[Piece]:
    """One piece a heading, named by it and its parents (``Install > Linux``); long sections in several."""
    pieces: list[Piece] = []
    trail: list[tuple[int, str]] = []
    start, fenced = 1, False
    for number, line in enumerate([*lines, "# "], 1):
        if _FENCE.match(line):
            fenced = not fenced
        at_end = number > len(lines)
        heading = None if fenced or at_end else _HEADING.match(line)
        if not heading and not at_end:
            continue
        name = " > ".join(title for _, title in trail)[:200]
        for block in _blocks(list(range(start, number)), lines, MAX_WINDOW_LINES):
            pieces.append(_piece(name, "section", block, lines))
        if heading:
            depth = len(line) - len(line.lstrip("#"))
            trail = [(level, title) for level, title in trail if level < depth] + [(depth, heading[1])]
            start = number
    return pieces


def cut_text(lines: list[str]) -> list[Piece]:
    """Windows of any other text."""
    return list(_windows(list(range(1, len(lines) + 1)), lines, ""))


def _has_own_piece(symbol: FoundSymbol) -> bool:
    if symbol.is_local:
        return False
    return symbol.kind != "constant" or symbol.end_line - symbol.start_line + 1 >= MIN_CONSTANT_LINES


def _definition(symbol: FoundSymbol, own_lines: list[int], lines: list[str]) -> Iterator[Piece]:
    """The whole range with the lines that no inner piece owns; what is too long goes on in further pieces."""
    body = [line for line in own_lines if line >= symbol.start_line and line not in symbol.docstring_lines]
    blocks = list(_blocks(body, lines, MAX_CHUNK_LINES)) or [[]]
    yield Piece(
        symbol.qualified_name,
        symbol.kind,
        symbol.start_line,
        symbol.end_line,
        symbol.docstring,
        _text(blocks[0], lines),
    )
    for block in blocks[1:]:
        yield _piece(symbol.qualified_name, symbol.kind, block, lines)


def _windows(free_lines: list[int], lines: list[str], docstring: str) -> Iterator[Piece]:
    for block in _blocks(free_lines, lines, MAX_WINDOW_LINES, contiguous=True):
        piece = _piece("", "window", block, lines)
        if docstring:
            piece = Piece("", "window", piece.start_line, piece.end_line, docstring, piece.body)
            docstring = ""
        yield piece


def _blocks(
    numbers: list[int], lines: list[str], max_lines: int, *, contiguous: bool = False
) -> Iterator[list[int]]:
    """Runs of lines within the limits, without blank lines at their ends; those without a word are left out."""
    block: list[int] = []
    chars = 0
    for number in [*numbers, -1]:
        broken = contiguous and block and number != block[-1] + 1
        size = len(lines[number - 1]) if number > 0 else 0
        if block and (number < 0 or broken or len(block) >= max_lines or chars + size > MAX_CHUNK_CHARS):
            trimmed = _without_blank_ends(block, lines)
            if any(_WORD.search(lines[line - 1]) for line in trimmed):
                yield trimmed
            block, chars = [], 0
        block.append(number)
        chars += size + 1


def _without_blank_ends(block: list[int], lines: list[str]) -> list[int]:
    first, last = 0, len(block)
    while first < last and not lines[block[first] - 1].strip():
        first += 1
    while last > first and not lines[block[last - 1] - 1].strip():
        last -= 1
    return block[first:last]


def _piece(name: str, kind: str, block: list[int], lines: list[str]) -> Piece:
    return Piece(name, kind, block[0], block[-1], "", _text(block, lines))


def _text(block: list[int], lines: list[str]) -> str:
    return "\n".join([lines[number - 1] for number in block])[: 2 * MAX_CHUNK_CHARS]
