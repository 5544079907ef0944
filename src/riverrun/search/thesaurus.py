"""What people say of what code calls otherwise: who asks for a *random delay* may mean ``jitter``.

Looser than a synonym, and one way only. The table, ``thesaurus.txt``, comes from general knowledge of the field; it knows no
repository (docs/adr/0034). A line has a word or a phrase as it is said in questions, each word singular and in its base
form, and the words of code that it may mean, the likeliest first.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib.resources import files

from riverrun.parsing.terms import stem
from riverrun.search.word_forms import base_forms

Phrase = tuple[str, ...]

MOST_WORDS = 200
"""So far a question is looked at for phrases: this is done on the event loop."""

_WORD = re.compile(r"[^\W_]+")
_SKIPPED = frozenset(
    ["a", "an", "it", "its", "my", "our", "s", "that", "the", "their", "them", "this", "your"]
)
"""Words that may stand inside a phrase or not: ``wait for the answer``."""


def code_words(word: str) -> Sequence[str]:
    """What a word in its base form may be called in code, the likeliest first; most often nothing."""
    return _ENTRIES.get((word,), ())


def code_words_of_phrases(text: str) -> list[Sequence[str]]:
    """The same for each phrase of a question, in their order: at each of its words the longest that begins there."""
    words = [_forms(word) for word in _words(text)[:MOST_WORDS]]
    phrases = dict.fromkeys(_longest_at(start, words) for start in range(len(words)))
    return [_ENTRIES[phrase] for phrase in phrases if phrase]


def _longest_at(start: int, words: Sequence[frozenset[str]]) -> Phrase:
    beginning = {phrase for form in words[start] for phrase in _PHRASES.get(form, ())}
    said = [phrase for phrase in beginning if _is_said(phrase, words[start : start + len(phrase)])]
    return max(said, key=lambda phrase: (len(phrase), phrase), default=())


def _words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.lower()) if word not in _SKIPPED]


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
