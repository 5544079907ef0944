"""What a question in plain words is about."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_CAMEL_BORDER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_IDENTIFIER = re.compile(
    r"`([\w.:#]{2,80})(?:\(\))?`|\b([A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)+|[A-Za-z_]\w*)\b(\(\))?"
)
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
_BACK_REFERENCE = re.compile(
    r"\b(?:it|its|they|them|their|those|these)\b"
    r"|\b(?:that|this)\b(?=\s*(?:[?.!,]|$|(?:is|does|do|was|works?|one|function|method|class)\b))"
    r"|\b(?:is|was|does|did|do)\s+(?:that|this)\b(?!\s+(?:repo|repository|project|code|codebase)\b)"
    r"|^\s*(?:and|but|why|what about|how about)\b",
    re.IGNORECASE,
)
_THE_WHOLE = re.compile(
    r"\b(?:this|the|that)\s+(?:whole\s+)?(?:project|repo|repository|library|package|codebase|code|app|application|program)\b"
    r"|\b(?:it|this)\s+(?:all\s+)?about\b|^\s*(?:readme|overview|summary)\b",
    re.IGNORECASE,
)
_WHOLE = (
    "about app application codebase goal library main overview package program purpose readme summary whole"
)
_WORDS_FOR_THE_WHOLE = frozenset(_WHOLE.split())
_DOMAINS = (".com", ".org", ".net", ".io", ".dev")
_MOST_TERMS_LEANING = 4
_SHORTEST_STEM = 4
_LONGEST_WORD = 64
_LONGEST_COVERING_TEXT = 100_000
_MOST_IDENTIFIERS = 2


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
    meaningful = (word.lower() for word in words if len(word) > 1 and word.lower() not in _MEANINGLESS)
    return list(dict.fromkeys(meaningful))


def identifiers(text: str) -> list[str]:
    """Names of code that the text mentions: in backticks, dotted, with an underscore, a hump or ``()``."""
    names = []
    for match in _IDENTIFIER.finditer(text):
        quoted, bare, called = match.groups()
        name = quoted or bare
        if quoted or called or _looks_like_code(name):
            names.append(name)
    return list(dict.fromkeys(names))[:_MOST_IDENTIFIERS]


def resolve_reference(question: str, previous_question: str | None) -> str:
    """The question, with the previous one's terms added where it leans on it (``who calls it?``)."""
    if previous_question is None or identifiers(question):
        return question
    own = terms(question)
    leans_back = not own or (len(own) <= _MOST_TERMS_LEANING and _BACK_REFERENCE.search(question))
    if not leans_back:
        return question
    added = [*(f"`{name}`" for name in identifiers(previous_question)), *terms(previous_question)]
    return " ".join([question, *added])


def is_about_the_whole(question: str) -> bool:
    """Whether the repository itself is the subject: ``what does this project do?``."""
    return _THE_WHOLE.search(question) is not None and not set(terms(question)) - _WORDS_FOR_THE_WHOLE


def coverage(question_terms: Sequence[str], text: str) -> float:
    """The share of the terms that the text's first 100,000 characters have; 1 when there are no terms."""
    if not question_terms:
        return 1.0
    found = SoughtTerms(question_terms).found_in(text[:_LONGEST_COVERING_TEXT])
    return len(found) / len(question_terms)


def _looks_like_code(name: str) -> bool:
    """``e.g`` and ``GitHub.com`` are prose."""
    if "." in name:
        return not name.lower().endswith(_DOMAINS) and any(len(part) > 1 for part in name.split("."))
    return "_" in name.strip("_") or name.startswith("__") or re.search(r"[a-z0-9][A-Z]", name) is not None


def _stem(word: str) -> str:
    known = word[:_LONGEST_WORD]
    return known[: max(_SHORTEST_STEM, len(known) - 2)]


def _beginnings(word: str) -> list[str]:
    """All that may be the stem of an equally long or shorter form; of a short word nothing but itself."""
    known = word[:_LONGEST_WORD]
    return [known[:end] for end in range(min(_SHORTEST_STEM, len(known)), len(known) + 1)]


def _having(terms_by_key: Mapping[str, set[str]], keys: set[str]) -> set[str]:
    return set().union(*(terms_by_key[key] for key in terms_by_key.keys() & keys))
