"""How text becomes search terms, the same for what is indexed and for what is asked.

The tsvector is written by us, not by ``to_tsvector``: Postgres' parsers know prose, not identifiers.
"""

import re
import struct
from collections import Counter
from collections.abc import Collection, Iterable
from itertools import chain
from pathlib import PurePosixPath
from typing import NamedTuple

from riverrun.parsing.scripts import parts_of_any_script

MAX_TERM_CHARS = 64
"""Longer runs of letters are hashes or encoded data; a tsvector lexeme may have 2,046 bytes at most."""
MAX_OCCURRENCES = 255
"""A tsvector keeps at most so many positions of one lexeme."""
MAX_LENGTH = 32_767
"""Lengths are stored as smallint."""
CACHED_WORDS = 100_000
CACHED_POSITIONS = 20_000

_COUNTED = 1 << 20
"""More than any text of a chunk has terms."""
_IN_DOCSTRING = _COUNTED
_IN_NAME = _COUNTED**2
_INT32 = struct.Struct(">i")

_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+\d*|[A-Z]+\d*|\d+")
_WORD_BYTES = bytes(
    code if chr(code).isalnum() or code == ord("_") or code >= 0x80 else ord(" ") for code in range(256)
)


def _words_in(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STOP_WORDS = _words_in(
    "a an and are as at be been but by can cls def did do does else for from has have how i if in into is "
    "it its me my no not of on or our return self so such than that the their then there these they this "
    "to us was we were what when where which who why will with would you your"
)


def split_terms(text: str) -> list[str]:
    """The terms of a text in its order: identifiers in their parts, lower case, without plural and stop words.

    ``HTTPServer.parse_headers`` gives ``http server parse header``; digits stay with the letters before them
    (``sha256``), so that names of algorithms and versions remain one term. A constant is also one joined term:
    ``MAX_SIZES`` gives ``max size maxsize``, as settings are asked for by their whole name.
    """
    return [term.decode() for term in _split(text)]


class Vector(NamedTuple):
    """A tsvector as ``COPY ... (FORMAT BINARY)`` reads it, how many terms stand under each of its labels
    A, B, C, D, and which terms they are, in UTF-8, each once."""

    content: bytes
    lengths: list[int]
    terms: Collection[bytes]


def path_terms(path: str) -> list[bytes]:
    """The terms of a path, as often as they stand in it: they belong to every chunk of its file, under the label B.

    The suffix is left out: it would be in every path.
    """
    return _split(path.removesuffix(PurePosixPath(path).suffix))


def path_vector(terms: Iterable[bytes]) -> bytes:
    """The terms of a path as a tsvector in the text format of ``COPY``: they hold nothing that it would escape."""
    return b" ".join(
        [
            b"%b:%b" % (term, b",".join([b"%dB" % number for number in range(1, count + 1)]))
            for term, count in Counter(terms).items()
        ]
    )


def vector_of(name: str, docstring: str, body: str, *, path_length: int = 0) -> Vector:
    """The search vector of one chunk, its three texts under the labels A, C, D; B is its file's (``path_vector``).

    A name of several parts is also one joined term (``parse_headers`` and ``parseHeaders`` are ``parseheader``).
    Positions only number a term's occurrences: ranking counts them by label and never measures distances,
    and so no text is too long for the 16,383 positions that a tsvector knows.
    """
    # One number a term counts its occurrences under all labels: the body's, which are most, add up in C.
    counts: dict[bytes, int] = Counter(chain.from_iterable(map(_terms_of, _words(body))))
    count_of = counts.get
    body_length = sum(counts.values())
    name_terms = _name_terms(name) if name else []
    docstring_terms = _split(docstring) if docstring else []
    for term in name_terms:
        counts[term] = count_of(term, 0) + _IN_NAME
    for term in docstring_terms:
        counts[term] = count_of(term, 0) + _IN_DOCSTRING
    lengths = [len(name_terms), path_length, len(docstring_terms), body_length]
    if max(lengths) > MAX_LENGTH:
        lengths = [min(length, MAX_LENGTH) for length in lengths]
    lexemes = chain.from_iterable(zip(counts, map(_positions_of, counts.values()), strict=True))
    return Vector(_INT32.pack(len(counts)) + b"".join(lexemes), lengths, counts.keys())


def _split(text: str) -> list[bytes]:
    return list(chain.from_iterable(map(_terms_of, _words(text))))


def _words(text: str) -> list[bytes]:
    # Bytes, because a translation table over them is ten times as fast as a pattern over characters.
    return text.encode("utf-8", "replace").translate(_WORD_BYTES).split()


def _name_terms(name: str) -> list[bytes]:
    words = _words(name)
    terms_of_words = list(map(_terms_of, words))
    joined = [
        _joined(terms)
        for word, terms in zip(words, terms_of_words, strict=True)
        if len(terms) > 1 and not _is_constant(word)
    ]
    return [*chain.from_iterable(terms_of_words), *joined]


def _joined(parts: tuple[bytes, ...]) -> bytes:
    return b"".join(parts).decode()[:MAX_TERM_CHARS].encode()


class _Positions(dict[int, bytes]):
    """What follows a lexeme in a binary tsvector: a zero byte, and its occurrences, numbered, with their labels."""

    def __missing__(self, count: int) -> bytes:
        if len(self) >= CACHED_POSITIONS:
            self.clear()
        labelled = ((3, count // _IN_NAME), (1, count // _IN_DOCSTRING), (0, count))
        labels = [label for label, times in labelled for _ in range(min(times % _COUNTED, MAX_OCCURRENCES))]
        del labels[MAX_OCCURRENCES:]
        words = [label << 14 | number for number, label in enumerate(labels, 1)]
        self[count] = positions = struct.pack(f">x{1 + len(words)}H", len(words), *words)
        return positions


_positions_of = _Positions().__getitem__


class _TermsOfWords(dict[bytes, tuple[bytes, ...]]):
    """Words and their terms. Source code repeats itself: most words have been split before."""

    def __missing__(self, word: bytes) -> tuple[bytes, ...]:
        if len(self) >= CACHED_WORDS:
            self.clear()
        text = word.decode("utf-8", "replace")
        found = _PART.findall(text) if word.isascii() else parts_of_any_script(text)
        parts = [part.lower() for part in found]
        terms = tuple([stem(part).encode() for part in parts if _is_term(part)])
        if len(terms) > 1 and _is_constant(word):
            terms = (*terms, _joined(terms))
        self[word] = terms
        return terms


def _is_constant(word: bytes) -> bool:
    """Whether a word is in capitals with underscores, and so has its joined term among its terms."""
    return b"_" in word and word.isupper()


def _is_term(part: str) -> bool:
    # A single letter finds everything and says nothing; in other scripts it may be a word.
    if len(part) == 1 and part.isascii():
        return False
    return len(part) <= MAX_TERM_CHARS and part not in _STOP_WORDS


_terms_of = _TermsOfWords().__getitem__


def stem(term: str) -> str:
    """Plural to singular; what is wrong in English is wrong the same way in question and index."""
    if len(term) < 4 or not term.endswith("s") or term.endswith(("ss", "us", "is")):
        return term
    if term.endswith("ies"):
        return term[:-3] + "y"
    if term.endswith(("xes", "ches", "shes", "zes")):
        return term[:-2]
    return term[:-1]
