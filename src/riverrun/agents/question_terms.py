"""What a question in plain words is about."""

import re
from collections.abc import Iterable, Sequence

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
_MOST_IDENTIFIERS = 2


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
    """The share of the terms that the text has, by word beginnings; 1 when there are no terms."""
    if not question_terms:
        return 1.0
    words = terms(text)
    return sum(has_term(term, words) for term in question_terms) / len(question_terms)


def has_term(term: str, words: Iterable[str]) -> bool:
    """Whether a word is the term or another form of it."""
    return any(_same_stem(term, word) for word in words)


def _looks_like_code(name: str) -> bool:
    """``e.g`` and ``GitHub.com`` are prose."""
    if "." in name:
        return not name.lower().endswith(_DOMAINS) and any(len(part) > 1 for part in name.split("."))
    return "_" in name.strip("_") or name.startswith("__") or re.search(r"[a-z0-9][A-Z]", name) is not None


def _same_stem(one: str, other: str) -> bool:
    shorter = min(len(one), len(other))
    stem = max(_SHORTEST_STEM, shorter - 2)
    return one == other or (shorter >= _SHORTEST_STEM and one[:stem] == other[:stem])
