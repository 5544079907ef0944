"""One file's rows, ready for Postgres: made in a parse helper, streamed by the indexer without a look at them.

They are rows of ``COPY ... FROM STDIN``, columns in the order of the ``*_COLUMNS``: chunks in the binary format, which
spares Postgres the reading of long tsvectors, the others in the text format.
"""

import struct
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from uuid import UUID

from riverrun.parsing.call_keys import call_keys
from riverrun.parsing.chunks import Piece, cut_code, cut_markdown, cut_text
from riverrun.parsing.copy_format import array_of_texts, binary_file_key, binary_text, escape
from riverrun.parsing.languages import LANGUAGES
from riverrun.parsing.symbols import Extraction, FoundCall, extract
from riverrun.parsing.terms import Vector, path_terms, path_vector, vector_of

SYMBOL_COLUMNS = "project_id, file_id, name, qualified_name, kind, start_line, end_line, signature, docstring"
CALL_COLUMNS = "project_id, file_id, keys, names, callers, lines"
CHUNK_COLUMNS = "project_id, file_id, name, kind, start_line, end_line, terms, lengths"
CHUNK_FIELDS = 8

BODIES = ("path_vector", "symbol_rows", "call_rows", "chunk_rows", "term_words", "term_counts")
"""The fields of ``FileRows`` that are bytes."""
RECIPE = 6
"""Counts up when the same bytes would give other rows: files of an older recipe are indexed again."""
MAX_UNDECODABLE = 0.05
"""Above this share of undecodable characters a file is no text in UTF-8."""

_LINES_AND_SIZE = struct.Struct(">iiiii")
_FOUR_SMALLINTS = struct.Struct(">iiiiii ihihihih")
_OID_OF_SMALLINT = 21


class NotText(ValueError):
    """The file is no text that we can read; its message says why."""


@dataclass(slots=True)
class FileRows:
    """What a file adds to the index."""

    lines: int = 0
    symbols: int = 0
    calls: int = 0
    chunks: int = 0
    label_lengths: Sequence[int] = (0, 0, 0, 0)
    """How many terms its chunks have in all under each label A, B, C, D."""
    path_vector: bytes = b""
    """What its path adds to each of its chunks, a tsvector in the text format."""
    symbol_rows: bytes = b""
    call_rows: bytes = b""
    chunk_rows: bytes = b""
    term_words: bytes = b""
    term_counts: bytes = b""
    note: str | None = None
    """What a person should know of a file that was indexed all the same."""

    def terms(self) -> Iterator[tuple[bytes, int]]:
        """Its terms, and in how many of its chunks each stands; those of its path stand in all."""
        return zip(self.term_words.split(b" "), array("I", self.term_counts), strict=False)


def rows_of(project_id: UUID, file_id: int, path: str, language: str | None, source: bytes) -> FileRows:
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
    of_path = path_terms(path)
    vectors = [
        vector_of(piece.name, piece.docstring, piece.body, path_length=len(of_path)) for piece in pieces
    ]
    terms = Counter(chain.from_iterable([vector.terms for vector in vectors]))
    if pieces:
        terms |= Counter(dict.fromkeys(of_path, len(pieces)))
    return FileRows(
        lines=len(lines),
        symbols=len(extraction.symbols),
        calls=len(extraction.calls),
        chunks=len(pieces),
        label_lengths=[sum(vector.lengths[label] for vector in vectors) for label in range(4)],
        path_vector=path_vector(of_path),
        symbol_rows=_joined(_symbol_rows(key, extraction)),
        call_rows=_call_row(key, project_id, extraction.calls),
        chunk_rows=_chunk_rows(binary_file_key(CHUNK_FIELDS, project_id, file_id), pieces, vectors),
        term_words=b" ".join(terms),
        term_counts=array("I", terms.values()).tobytes(),
        note=note,
    )


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


def _call_row(key: str, project_id: UUID, calls: list[FoundCall]) -> bytes:
    """One row with all calls; none when there are none."""
    if not calls:
        return b""
    names, callers, lines = zip(*calls, strict=True)
    keys = call_keys(project_id, set(names))
    return (
        f"{key}{{{','.join(map(str, keys))}}}\t{array_of_texts(names)}\t{array_of_texts(callers)}\t"
        f"{{{','.join(map(str, lines))}}}\n"
    ).encode("utf-8", "replace")


def _chunk_rows(key: bytes, pieces: list[Piece], vectors: list[Vector]) -> bytes:
    parts: list[bytes] = []
    for piece, vector in zip(pieces, vectors, strict=True):
        lines = _LINES_AND_SIZE.pack(4, piece.start_line, 4, piece.end_line, len(vector.content))
        parts += (
            key,
            binary_text(piece.name),
            _binary_kind(piece.kind),
            lines,
            vector.content,
            _binary_lengths(vector.lengths),
        )
    return b"".join(parts)


_binary_kind = lru_cache(binary_text)


def _binary_lengths(lengths: list[int]) -> bytes:
    """A smallint array of one dimension."""
    a, b, c, d = lengths
    return _FOUR_SMALLINTS.pack(44, 1, 0, _OID_OF_SMALLINT, 4, 1, 2, a, 2, b, 2, c, 2, d)


def _joined(rows: Iterable[str]) -> bytes:
    return "".join(rows).encode("utf-8", "replace")
