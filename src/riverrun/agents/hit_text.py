"""How an answer of the extractive model tells of one hit: what it is, where, and what it says of itself."""

from riverrun.agents.evidence import Hit
from riverrun.agents.listing import shorten
from riverrun.agents.places import format_place
from riverrun.agents.prose import code_span, first_sentences

_LONGEST_SIGNATURE = 160
_LONGEST_SIGNATURE_IN_LIST = 80


def describe(hit: Hit) -> str:
    """``the method **`Client.send`** [client.py:7-9]``."""
    return f"{_what(hit)} [{format_place(hit.location)}]"


def bullet(hit: Hit) -> str:
    """One item of a list: the hit with its first sentence, or else its signature."""
    summary = first_sentences(hit.docstring, most=1)
    if not summary and hit.signature:
        summary = signature(hit, _LONGEST_SIGNATURE_IN_LIST)
    return f"- {describe(hit)}{': ' + summary if summary else ''}"


def signature(hit: Hit, limit: int = _LONGEST_SIGNATURE) -> str:
    """The signature as code on one line."""
    one_line = " ".join(hit.signature.split()).replace("( ", "(").replace(", )", ")")
    return code_span(shorten(one_line, limit))


def _what(hit: Hit) -> str:
    if hit.name:
        return f"the {hit.kind} **{code_span(hit.name)}**"
    return f"a passage of {code_span(hit.location.path)}"
