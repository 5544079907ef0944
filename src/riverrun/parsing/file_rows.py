"""One file's rows, ready for Postgres: made in a parse helper, streamed by the indexer without a look at them.

The rows are lines of ``COPY ... FROM STDIN`` in text format, columns in the order of the ``*_COLUMNS``.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from riverrun.parsing.chunks import Piece, cut_code, cut_markdown, cut_text
from riverrun.parsing.languages import LANGUAGES
from riverrun.parsing.symbols import Extraction, extract
from riverrun.parsing.terms import vector_literal

SYMBOL_COLUMNS = "project_id, file_id, name, qualified_name, kind, start_line, end_line, signature, docstring"
CALL_COLUMNS = "project_id, file_id, number, name, caller, line"
CHUNK_COLUMNS = "project_id, file_id, name, kind, start_line, end_line, terms, lengths"

RECIPE = 1
"""Counts up when the same bytes would give other rows: files of an older recipe are indexed again."""
MAX_UNDECODABLE = 0.05
"""Above this share of undecodable characters a file is no text in UTF-8."""


class NotText(ValueError):
    """The file is no text that we can read; its message says why."""


@dataclass(slots=True)
class FileRows:
    """What a file adds to the index. ``terms`` counts in how many of its chunks each term stands."""

    lines: int = 0
    symbols: int = 0
    calls: int = 0
    chunks: int = 0
    symbol_rows: bytes = b""
    call_rows: bytes = b""
    chunk_rows: bytes = b""
    terms: dict[str, int] = field(default_factory=dict)
    note: str | None = None
    """What a person should know of a file that was indexed all the same."""


def rows_of(project_id: str, file_id: int, path: str, language: str | None, source: bytes) -> FileRows:
    """Parse a file and describe it. Raises ``NotText``; anything else that is raised is a defect of ours."""
    text, note = _decode(source)
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    key = f"{project_id}\t{file_id}\t"
    grammar = LANGUAGES.get(language or "")
    extraction = extract(grammar, source) if grammar else Extraction([], [])
    if grammar:
        pieces = cut_code(extraction, lines)
    else:
        pieces = cut_markdown(lines) if language == "markdown" else cut_text(lines)
    terms: Counter[str] = Counter()
    chunk_rows = [_chunk_row(key, path, piece, terms) for piece in pieces]
    return FileRows(
        lines=len(lines),
        symbols=len(extraction.symbols),
        calls=len(extraction.calls),
        chunks=len(pieces),
        symbol_rows=_joined(_symbol_rows(key, extraction)),
        call_rows=_joined(_call_rows(key, extraction)),
        chunk_rows=_joined(chunk_rows),
        terms=terms,
        note=note,
    )


def escape(text: str) -> str:
    """A value of a text column in COPY's text format; NUL, which Postgres' text cannot hold, is dropped."""
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if text.isprintable():
        return text
    return text.replace("\0", "").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")


def _decode(source: bytes) -> tuple[str, str | None]:
    try:
        return source.decode("utf-8-sig"), None
    except UnicodeDecodeError:
        text = source.decode("utf-8", "replace")
    undecodable = text.count("\ufffd")
    if undecodable > MAX_UNDECODABLE * len(text):
        raise NotText("The file is no text in UTF-8.")
    subject = "1 byte is no UTF-8 and is" if undecodable == 1 else f"{undecodable} bytes are no UTF-8 and are"
    return text, f"{subject} shown as \ufffd."


def _symbol_rows(key: str, extraction: Extraction) -> Iterable[str]:
    for symbol in extraction.symbols:
        yield (
            f"{key}{escape(symbol.name)}\t{escape(symbol.qualified_name)}\t{symbol.kind}\t"
            f"{symbol.start_line}\t{symbol.end_line}\t{escape(symbol.signature)}\t{escape(symbol.docstring)}\n"
        )


def _call_rows(key: str, extraction: Extraction) -> Iterable[str]:
    for number, call in enumerate(extraction.calls):
        yield f"{key}{number}\t{escape(call.name)}\t{escape(call.caller)}\t{call.line}\n"


def _chunk_row(key: str, path: str, piece: Piece, terms: Counter[str]) -> str:
    vector = vector_literal(piece.name, path, piece.docstring, piece.body)
    terms.update(vector.terms)
    a, b, c, d = vector.lengths
    return (
        f"{key}{escape(piece.name)}\t{piece.kind}\t{piece.start_line}\t{piece.end_line}\t"
        f"{vector.literal}\t{{{a},{b},{c},{d}}}\n"
    )


def _joined(rows: Iterable[str]) -> bytes:
    return "".join(rows).encode("utf-8", "replace")
