"""What a question in plain words is about."""

import re
from collections.abc import Iterable, Sequence

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_CAMEL_BORDER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_IDENTIFIER = re.compile(r"`([^`\n]{2,80})`|\b([A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)+|[A-Za-z_]\w*)\b(\(\))?")
_BACK_REFERENCE_WORDS = "it its that this these those they them their there one same"
_STOP_WORDS = """
    a about all also am an and any are as at be been being between but by can code could did do does doing each every
    explain find for from function get gets give had has have having how i if in into is just kind know let like list
    look make makes many me method might more most much must my need no not of on only or other our out over please
    project repo repository should show so some such tell than the then to too under up use used uses using very want
    was way we were what when where which while who whom whose why will with within without would you your class file
    module call called calls happen happens work works handle handled handles implemented defined
"""
_BACK_REFERENCES = frozenset(_BACK_REFERENCE_WORDS.split())
_MEANINGLESS = _BACK_REFERENCES.union(_STOP_WORDS.split())
_FEW_TERMS = 2
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
        name = (quoted or bare).strip().removesuffix("()")
        if name and (quoted or called or _looks_like_code(name)):
            names.append(name)
    return list(dict.fromkeys(names))[:_MOST_IDENTIFIERS]


def resolve_reference(question: str, previous_question: str | None) -> str:
    """The question, with the previous one's terms added where it leans on it (``who calls it?``)."""
    if previous_question is None or identifiers(question):
        return question
    own = terms(question)
    leans_back = any(word.lower() in _BACK_REFERENCES for word in _WORD.findall(question))
    if len(own) > (2 * _FEW_TERMS if leans_back else _FEW_TERMS):
        return question
    added = [*(f"`{name}`" for name in identifiers(previous_question)), *terms(previous_question)]
    return " ".join([question, *added])


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
    is_dotted_name = "." in name and not name.endswith((".com", ".org"))
    return is_dotted_name or "_" in name.strip("_") or bool(re.search(r"[a-z0-9][A-Z]", name))


def _same_stem(one: str, other: str) -> bool:
    length = max(_SHORTEST_STEM, min(len(one), len(other)) - 2)
    return one == other or (
        len(one) >= _SHORTEST_STEM and len(other) >= _SHORTEST_STEM and one[:length] == other[:length]
    )
