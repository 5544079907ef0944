"""What a question in plain words is about."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_CAMEL_BORDER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_STOP_WORDS = """
    a about all also am an and any are as at be been being between but by can code could did do does doing each every
    explain find for from function get gets give had has have having how i if in into is it its just kind know let like
    list look make makes many me method might more most much must my need no not of on one only or other our out over
    please project repo repository same should show so some such tell than that the their them then there these they
    this those to too under up use used uses using very want was way we were what when where which while who whom whose
    why will with within without would you your class file module called call calls happen happens work works handle
    handled handles implemented defined
"""
_MEANINGLESS = frozenset(_STOP_WORDS.split())
_THE_WHOLE = re.compile(
    r"\b(?:this|the|that)\s+(?:whole\s+)?(?:project|repo|repository|library|package|codebase|code|app|application|program"
    r"|gem|crate|tool|framework|plugin|extension|server|service|software|product)\b"
    r"|\b(?:it|this)\s+(?:all\s+)?about\b|^\s*(?:readme|overview|summary)\b",
    re.IGNORECASE,
)
_ASKS_FOR_PART = re.compile(r"\b(?:who|whom|where)\b", re.IGNORECASE)
_WHOLE = """
    about app application codebase crate extension framework gem goal library main overview package plugin product program
    purpose readme server service software summary tool whole
"""
_WORDS_FOR_THE_WHOLE = frozenset(_WHOLE.split())
_LONGEST_SHORT_QUESTION = 300
_FEW_TERMS = 2
_SHORTEST_STEM = 4
_LONGEST_WORD = 64
_LONGEST_COVERING_TEXT = 100_000


class SoughtTerms:
    """Terms to find in texts, in any form: two words are forms of one when the stem of the shorter begins both.

    Texts are looked through word by word, never term by term. Of a word the first 64 characters count.
    """

    def __init__(self, question_terms: Iterable[str]) -> None:
        self._by_stem: defaultdict[str, set[str]] = defaultdict(set)
        self._by_beginning: defaultdict[str, set[str]] = defaultdict(set)
        for term in question_terms:
            self._by_stem[_stem(term)].add(term)
            for beginning in _beginnings(term):
                self._by_beginning[beginning].add(term)

    def found_in(self, text: str) -> set[str]:
        """The terms that the text has."""
        words = terms(text)
        stems = set(map(_stem, words))
        beginnings = {beginning for word in words for beginning in _beginnings(word)}
        return _having(self._by_beginning, stems) | _having(self._by_stem, beginnings)


def terms(text: str) -> list[str]:
    """The words that carry meaning, lower case, identifiers split at their humps, each once, in order."""
    words = (part for word in _WORD.findall(text) for part in _CAMEL_BORDER.split(word))
    meaningful = (word.lower() for word in words if len(word) > 1 and not is_meaningless(word))
    return list(dict.fromkeys(meaningful))


def is_meaningless(word: str) -> bool:
    """Whether a word only asks, and says nothing of what is asked about."""
    return word.lower() in _MEANINGLESS


def is_about_the_whole(question: str) -> bool:
    """Whether the repository itself is the subject: ``what does this project do?``."""
    return (
        _THE_WHOLE.search(question) is not None
        and not _ASKS_FOR_PART.search(question)
        and not set(terms(question)) - _WORDS_FOR_THE_WHOLE
    )


def says_only(question: str, name: str) -> bool:
    """Whether the question asks what the named one is: ``what is riverrun?`` of ``owner/riverrun``."""
    asked = set(terms(question)) if len(question) <= _LONGEST_SHORT_QUESTION else set()
    return bool(asked) and not _ASKS_FOR_PART.search(question) and asked <= set(terms(name))


def says_little_beside(question: str, name: str) -> bool:
    """Whether a short question has at most two words of meaning beside the name."""
    if len(question) > _LONGEST_SHORT_QUESTION:
        return False
    return len(set(terms(question)).difference(terms(name))) <= _FEW_TERMS


def coverage(question_terms: Sequence[str], text: str) -> float:
    """The share of the terms that the text's first 100,000 characters have; 1 when there are no terms."""
    if not question_terms:
        return 1.0
    found = SoughtTerms(question_terms).found_in(text[:_LONGEST_COVERING_TEXT])
    return len(found) / len(question_terms)


def _stem(word: str) -> str:
    known = word[:_LONGEST_WORD]
    return known[: max(_SHORTEST_STEM, len(known) - 2)]


def _beginnings(word: str) -> list[str]:
    """All that may be the stem of an equally long or shorter form; of a short word nothing but itself."""
    known = word[:_LONGEST_WORD]
    return [known[:end] for end in range(min(_SHORTEST_STEM, len(known)), len(known) + 1)]


def _having(terms_by_key: Mapping[str, set[str]], keys: set[str]) -> set[str]:
    return set().union(*(terms_by_key[key] for key in terms_by_key.keys() & keys))
