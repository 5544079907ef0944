"""Which of several definitions of one name a question most likely means."""

from collections.abc import Sequence
from difflib import SequenceMatcher

from riverrun.agents.deps import Location, SearchHit, SymbolHit
from riverrun.agents.file_roles import is_built, is_in_tests

_ALIKE = 0.85
_LONGEST_NAME = 80
"""Longer ones are no names, and to compare them takes time."""

Spot = tuple[str, str, str, int, int]


def is_named(hit: SearchHit | SymbolHit, names: Sequence[str]) -> bool:
    """Whether one of the names is the hit's, or what its qualified name ends with."""
    return any(hit.name == name or hit.name.endswith(f".{name}") for name in names)


def most_likely_first(named: Sequence[SymbolHit], ranked: Sequence[SearchHit]) -> list[SymbolHit]:
    """Code before tests and built files, what the search ranks higher first, then what says something of itself.

    Behind them all is what only stands for another: a constructor beside its class, a constant of the name.
    """
    rank_of = {spot(hit.location): rank for rank, hit in reversed(list(enumerate(ranked)))}

    def key(hit: SymbolHit) -> tuple[bool, bool, bool, int, bool]:
        path, rank = hit.location.path, rank_of.get(spot(hit.location), len(ranked))
        return _stands_for_another(hit), is_in_tests(path), is_built(path), rank, not hit.docstring

    return sorted(named, key=key)


def most_alike(named: Sequence[SymbolHit], names: Sequence[str]) -> tuple[str, SymbolHit] | None:
    """The first name that differs from a hit's by its case, its owner or a slip of the fingers, and that hit."""
    return next(((name, hit) for hit in named for name in names if _are_alike(name, hit.name)), None)


def spot(location: Location) -> Spot:
    """What two hits of the same lines have in common."""
    return location.repo, location.path, location.blob, location.start_line, location.end_line


def _stands_for_another(hit: SymbolHit) -> bool:
    owner, _, name = hit.name.rpartition(".")
    return hit.kind == "constant" or owner.rpartition(".")[2] == name


def _are_alike(name: str, qualified_name: str) -> bool:
    ours, theirs = (text.rpartition(".")[2].lower()[: _LONGEST_NAME + 1] for text in (name, qualified_name))
    if max(len(ours), len(theirs)) > _LONGEST_NAME:
        return False
    return SequenceMatcher(None, ours, theirs).ratio() >= _ALIKE
