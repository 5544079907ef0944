"""What people say of what code calls otherwise: who asks for a *random delay* may mean ``jitter``.

Looser than a synonym, and one way only (docs/adr/0034). A line of the table, ``thesaurus.txt``, has a word or a phrase as it is said in
questions, each word as ``stem`` leaves it, and the words of code that it may mean, the likeliest first.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from itertools import zip_longest

from riverrun.parsing.terms import MAX_TERM_CHARS, stem
from riverrun.search.word_forms import base_forms

Phrase = tuple[str, ...]

MOST_WORDS = 200
"""So far a question is looked at for phrases: this is done on the event loop."""

_WORD_OR_PAUSE = re.compile(r"[^\W_]+|[^\w\s'’-]|\n\s*\n")
_SKIPPED = frozenset(
    ["a", "an", "it", "its", "my", "our", "s", "that", "the", "their", "them", "this", "your"]
)
"""Words that part no phrase: ``wait for the answer``."""


def code_words(word: str) -> Iterable[str]:
    """What a term may be called in code, the likeliest first. One that is not in the table has what its base forms have."""
    bases = [word] if (word,) in _ENTRIES else sorted(base_forms(word))
    by_place = zip_longest(*[_ENTRIES.get((base,), ()) for base in bases])
    return dict.fromkeys(meant for place in by_place for meant in place if meant)


def code_words_of_phrases(text: str) -> list[Sequence[str]]:
    """The same for each phrase of a question, in their order: at each of its words the longest that begins there."""
    words = _words(text)[:MOST_WORDS]
    forms = list(map(_forms, words))
    phrases = dict.fromkeys(_longest_at(start, words, forms) for start in range(len(words)))
    return [_ENTRIES[phrase] for phrase in phrases if phrase]


def _longest_at(start: int, words: Sequence[str], forms: Sequence[frozenset[str]]) -> Phrase:
    """Of two as long the one that is said more literally."""
    beginning = {phrase for form in forms[start] for phrase in _PHRASES.get(form, ())}
    said = [phrase for phrase in beginning if _is_said(phrase, forms[start : start + len(phrase)])]
    return max(said, key=lambda phrase: (len(phrase), _literal(phrase, words[start:]), phrase), default=())


def _literal(phrase: Phrase, words: Sequence[str]) -> int:
    return sum(part == word for part, word in zip(phrase, words, strict=False))


def _words(text: str) -> list[str]:
    """The words of a text, and the marks and empty lines over which no phrase goes."""
    found = _WORD_OR_PAUSE.findall(text.lower())
    return [word for word in found if word not in _SKIPPED and len(word) <= MAX_TERM_CHARS]


def _forms(word: str) -> frozenset[str]:
    singular = stem(word)
    return base_forms(word) | base_forms(singular)


def _is_said(phrase: Phrase, words: Sequence[frozenset[str]]) -> bool:
    return len(words) == len(phrase) and all(part in forms for part, forms in zip(phrase, words, strict=True))


def _read() -> Mapping[Phrase, Sequence[str]]:
    table = files("riverrun.search").joinpath("thesaurus.txt").read_text("utf-8")
    entries = (line.partition(":") for line in table.splitlines())
    return {tuple(said.split()): tuple(meant.split()) for said, _, meant in entries}


def _by_first_word(entries: Mapping[Phrase, Sequence[str]]) -> Mapping[str, Sequence[Phrase]]:
    found: dict[str, list[Phrase]] = defaultdict(list)
    for phrase in entries:
        if len(phrase) > 1:
            found[phrase[0]].append(phrase)
    return found


_ENTRIES = _read()
_PHRASES = _by_first_word(_ENTRIES)
