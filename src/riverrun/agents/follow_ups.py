"""Questions that lean on the one before: ``who calls it?``."""

import re

from riverrun.agents.question_names import identifiers
from riverrun.agents.question_terms import terms

_BACK_REFERENCE = re.compile(
    r"\b(?:it|its|they|them|their|those|these)\b"
    r"|\b(?:that|this)\b(?=\s*(?:[?.!,]|$|(?:is|does|do|was|works?|one|function|method|class)\b))"
    r"|\b(?:is|was|does|did|do)\s+(?:that|this)\b(?!\s+(?:repo|repository|project|code|codebase)\b)"
    r"|^\s*(?:and|but|why|what about|how about)\b",
    re.IGNORECASE,
)
_MOST_TERMS_LEANING = 4
_WORDS_FOR_A_PART = """
    argument arguments body caller callers default defaults definition docs docstring documentation example examples
    implementation limit line lines more parameter parameters reason rest signature source test tests tested type types
    usage usages value values
"""
_MEANS_NOTHING_ALONE = frozenset(_WORDS_FOR_A_PART.split())
"""``show me the test``, ``what is the default?``: of what was spoken of before."""


def resolve_reference(question: str, previous_question: str | None) -> str:
    """The question, with the previous one's terms added where it leans on it (``who calls it?``)."""
    if previous_question is None or not _leans_back(question):
        return question
    added = [*(f"`{name}`" for name in identifiers(previous_question)), *terms(previous_question)]
    return " ".join([question, *added])


def _leans_back(question: str) -> bool:
    own = terms(question)
    if _MEANS_NOTHING_ALONE.issuperset(own):
        return True
    if identifiers(question):
        return False
    return len(own) <= _MOST_TERMS_LEANING and _BACK_REFERENCE.search(question) is not None
