"""A question in plain words becomes the terms to look for."""

from riverrun.parsing.terms import split_terms

MAX_CHARS = 10_000
"""What lies beyond is not read: a pasted log says in its head what it is about."""
MAX_TERMS = 256
MAX_TERM_CHARS = 255


def query_terms(query: str) -> list[str]:
    """The distinct terms of a question in their order; empty for one without a letter or a digit."""
    terms = dict.fromkeys(term for term in split_terms(query[:MAX_CHARS]) if len(term) <= MAX_TERM_CHARS)
    return list(terms)[:MAX_TERMS]
