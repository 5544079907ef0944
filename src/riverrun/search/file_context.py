"""What a chunk gains by the file it stands in: code about one subject tends to stand together.

The weights were chosen on first sentences of docstrings in packages that the evaluation does not ask of, and checked
on the half of its first questions that may be tuned on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

NEIGHBOURS = 3
NEIGHBOUR_WEIGHT = 0.15
"""What the mean score of the best ``NEIGHBOURS`` other chunks of the file is worth."""
COVER_WEIGHT = 0.1
"""What the concepts that the file's chunks hold together are worth."""


@dataclass(frozen=True, slots=True)
class Match:
    """How one chunk meets a question: its own score, and each concept's rarity as far as the chunk holds it."""

    score: float
    held: Sequence[float]


def scores_in_file(matches: Sequence[Match]) -> list[float]:
    """The scores of the chunks of one file, in their order, each with what it gains by the file."""
    best = sorted((match.score for match in matches), reverse=True)[: NEIGHBOURS + 1]
    covered = sum(map(max, zip(*(match.held for match in matches), strict=True)))
    return [
        match.score + NEIGHBOUR_WEIGHT * neighbour_score(match.score, best) + COVER_WEIGHT * covered
        for match in matches
    ]


def neighbour_score(own: float, best: Sequence[float]) -> float:
    """The mean of the best other scores; ``best`` may hold a chunk's own, absent neighbours count 0."""
    others = sum(best) - own if own >= best[-1] else sum(best[:NEIGHBOURS])
    return others / NEIGHBOURS
