"""A question in plain words becomes the concepts to look for, each a set of terms that may stand for it."""

from collections.abc import Iterable, Mapping

from riverrun.parsing.terms import MAX_TERM_CHARS, split_terms
from riverrun.search.synonyms import SYNONYMS
from riverrun.search.thesaurus import code_words, code_words_of_phrases
from riverrun.search.word_forms import base_forms, word_forms

Concept = Mapping[str, float]
"""Terms with how well each stands for what was asked: 1 is the word itself."""

FORM_WEIGHT = 0.8
SYNONYM_WEIGHT = 0.4
SYNONYM_FORM_WEIGHT = 0.3
MEANT_WEIGHT = 0.15
"""Of the likeliest word of code that the thesaurus knows."""
FURTHER_SHARE = 0.7
"""Of each further one, in parts of the one before."""

MAX_CHARS = 10_000
"""What lies beyond is not read: a pasted log says in its head what it is about."""
MAX_CONCEPTS = 256
MOST_EXPANDED_CONCEPTS = 32
"""A longer text is searched for in its own words: it has enough of them."""

_QUESTION_WORDS = frozenset(
    [
        "about",
        "after",
        "all",
        "already",
        "also",
        "always",
        "another",
        "any",
        "away",
        "back",
        "because",
        "become",
        "before",
        "come",
        "could",
        "different",
        "each",
        "ever",
        "every",
        "few",
        "gave",
        "get",
        "give",
        "given",
        "go",
        "got",
        "happen",
        "happened",
        "happening",
        "itself",
        "just",
        "know",
        "like",
        "lot",
        "made",
        "make",
        "many",
        "may",
        "might",
        "much",
        "must",
        "need",
        "never",
        "once",
        "one",
        "only",
        "other",
        "own",
        "really",
        "related",
        "same",
        "should",
        "some",
        "sure",
        "take",
        "taken",
        "thing",
        "though",
        "two",
        "until",
        "use",
        "used",
        "using",
        "want",
        "way",
        "whether",
        "while",
        "yet",
    ]
)
"""Words of asking, on top of the stop words that no index holds: they say nothing of what is asked for."""


def query_concepts(query: str) -> list[Concept]:
    """The distinct concepts of a question in their order; empty for one without a word.

    Words of asking count when nothing else is asked.
    """
    query = query[:MAX_CHARS]
    terms = [term for term in dict.fromkeys(split_terms(query)) if len(term) <= MAX_TERM_CHARS]
    telling = [term for term in terms if term not in _QUESTION_WORDS] or terms
    if not telling or len(telling) > MOST_EXPANDED_CONCEPTS:
        return [literal(term) for term in telling[:MAX_CONCEPTS]]
    return [*map(expanded, telling), *map(meant, code_words_of_phrases(query))]


def literal(term: str) -> Concept:
    """The term alone."""
    return {term: 1.0}


def expanded(term: str) -> Concept:
    """The term, its forms, its synonyms and their forms, and what it may mean, each with the greatest weight it deserves."""
    bases = base_forms(term)
    synonyms = sorted({synonym for base in bases for synonym in SYNONYMS.get(base, ())})
    concept = meant(code_words(term))
    concept |= {form: SYNONYM_FORM_WEIGHT for synonym in synonyms for form in sorted(word_forms(synonym))}
    concept |= dict.fromkeys(synonyms, SYNONYM_WEIGHT)
    concept |= dict.fromkeys(sorted(word_forms(term)), FORM_WEIGHT)
    concept[term] = 1.0
    return concept


def meant(words: Iterable[str]) -> dict[str, float]:
    """What a word or a phrase may mean, the likeliest first. Code has these words as they are: no forms of them."""
    return {word: MEANT_WEIGHT * FURTHER_SHARE**place for place, word in enumerate(words)}
