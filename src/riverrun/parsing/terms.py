"""How text becomes search terms, the same for what is indexed and for what is asked.

The tsvector is written by us, not by ``to_tsvector``: Postgres' parsers know prose, not identifiers.
"""

import re
from collections import Counter
from functools import lru_cache
from itertools import chain
from pathlib import PurePosixPath
from typing import NamedTuple

MAX_TERM_CHARS = 64
"""Longer runs of letters are hashes or encoded data; a tsvector lexeme may have 2,046 bytes at most."""
MAX_OCCURRENCES = 255
"""A tsvector keeps at most so many positions of one lexeme."""
MAX_LENGTH = 32_767
"""Lengths are stored as smallint."""
CACHED_WORDS = 100_000

_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+\d*|[A-Z]+\d*|\d+")
_PART_OF_ANY_SCRIPT = re.compile(r"[^\W\d_]+\d*|\d+")
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
    (``sha256``), so that names of algorithms and versions remain one term.
    """
    return list(chain.from_iterable(map(_terms_of, _words(text))))


class Vector(NamedTuple):
    """A tsvector as text, how many terms stand under each of its labels A, B, C, D, and which terms they are."""

    literal: str
    lengths: list[int]
    terms: list[str]


def vector_literal(name: str, path: str, docstring: str, body: str) -> Vector:
    """The search vector of one chunk, its four texts under the labels A, B, C, D.

    A name of several parts is also one joined term (``parse_headers`` and ``parseHeaders`` are ``parseheader``).
    Positions only number a term's occurrences: ranking counts them by label and never measures distances,
    and so no text is too long for the 16,383 positions that a tsvector knows.
    """
    counts = Counter(chain.from_iterable(map(_terms_of, _words(body))))
    path_terms, path_labels = _labelled_path(path)
    name_terms = _name_terms(name) if name else []
    docstring_terms = split_terms(docstring) if docstring else []
    lengths = [len(name_terms), len(path_terms), len(docstring_terms), counts.total()]
    labels = path_labels.copy()
    for term in name_terms:
        labels[term] = "A" + labels.get(term, "")
    for term in docstring_terms:
        labels[term] = labels.get(term, "") + "C"
    lexemes = [term + _positions(found, counts.pop(term, 0)) for term, found in labels.items()]
    lexemes += [term + _POSITIONS[count] for term, count in counts.items()]
    return Vector(" ".join(lexemes), [min(length, MAX_LENGTH) for length in lengths], [*labels, *counts])


def _words(text: str) -> list[bytes]:
    # Bytes, because a translation table over them is ten times as fast as a pattern over characters.
    return text.encode("utf-8", "replace").translate(_WORD_BYTES).split()


def _name_terms(name: str) -> list[str]:
    parts_of_words = list(map(_terms_of, _words(name)))
    joined = ["".join(parts)[:MAX_TERM_CHARS] for parts in parts_of_words if len(parts) > 1]
    return [*chain.from_iterable(parts_of_words), *joined]


@lru_cache(maxsize=16)
def _labelled_path(path: str) -> tuple[list[str], dict[str, str]]:
    """A path's terms and their labels: the same for all chunks of a file. The suffix would be in every one of them."""
    terms = split_terms(path.removesuffix(PurePosixPath(path).suffix))
    return terms, {term: "B" * terms.count(term) for term in terms}


@lru_cache(maxsize=10_000)
def _positions(labels: str, unlabelled: int) -> str:
    occurrences = [*labels, *[""] * unlabelled][:MAX_OCCURRENCES]
    return ":" + ",".join([f"{number}{label}" for number, label in enumerate(occurrences, 1)])


class _UnlabelledPositions(dict[int, str]):
    def __missing__(self, count: int) -> str:
        self[count] = _positions("", count)
        return self[count]


_POSITIONS = _UnlabelledPositions()


class _TermsOfWords(dict[bytes, tuple[str, ...]]):
    """Words and their terms. Source code repeats itself: most words have been split before."""

    def __missing__(self, word: bytes) -> tuple[str, ...]:
        if len(self) >= CACHED_WORDS:
            self.clear()
        pattern = _PART if word.isascii() else _PART_OF_ANY_SCRIPT
        parts = [part.lower() for part in pattern.findall(word.decode("utf-8", "replace"))]
        terms = tuple([_stem(part) for part in parts if _is_term(part)])
        self[word] = terms
        return terms


def _is_term(part: str) -> bool:
    # A single letter finds everything and says nothing; in other scripts it may be a word.
    if len(part) == 1 and part.isascii():
        return False
    return len(part) <= MAX_TERM_CHARS and part not in _STOP_WORDS


_terms_of = _TermsOfWords().__getitem__


def _stem(term: str) -> str:
    """Plural to singular; what is wrong in English is wrong the same way in question and index."""
    if len(term) < 4 or not term.endswith("s") or term.endswith(("ss", "us", "is")):
        return term
    if term.endswith("ies"):
        return term[:-3] + "y"
    if term.endswith(("xes", "ches", "shes", "zes")):
        return term[:-2]
    return term[:-1]
