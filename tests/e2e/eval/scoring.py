"""Which hit answers a question, and the figures that sum the answers up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.eval.questions import Place, Question, definitions, line_range

from riverrun.agents.deps import Location

DEPTH = 10
"""How many hits are looked at."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a place stands in the source that was indexed."""

    file: str
    first_line: int
    last_line: int

    def holds(self, location: Location) -> bool:
        """Whether a location is the definition or lies inside it; the file or class around it is no answer."""
        return (
            location.path == self.file
            and self.first_line <= location.start_line
            and location.end_line <= self.last_line
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """A question with the rank of its first right hit, from 1; none when no hit of the first ten is right."""

    question: Question
    rank: int | None
    found: tuple[str, ...]
    """The hits in words, for the list of failures."""
    seconds: float
    """How long the search took."""


def targets(root: Path, places: Iterable[Place]) -> list[Target]:
    """Where the places stand below ``root``."""
    return [
        Target(place.file, *line_range(definitions((root / place.file).read_text("utf-8"))[place.symbol]))
        for place in places
    ]


def first_right(locations: Sequence[Location], wanted: Sequence[Target]) -> int | None:
    """The rank, from 1, of the first location that is one of the wanted places."""
    for rank, location in enumerate(locations, start=1):
        if any(target.holds(location) for target in wanted):
            return rank
    return None


def recall(answers: Sequence[Answer], depth: int) -> float:
    """The share of questions with a right hit among the first ``depth``."""
    return sum(answer.rank is not None and answer.rank <= depth for answer in answers) / len(answers)


def mean_reciprocal_rank(answers: Sequence[Answer]) -> float:
    """The mean of 1/rank; a question without a right hit counts 0."""
    return sum(1 / answer.rank for answer in answers if answer.rank) / len(answers)


def figures(answers: Sequence[Answer]) -> str:
    """``questions=N recall@1=X recall@3=Y recall@10=Z mrr=W``."""
    recalls = " ".join(f"recall@{depth}={recall(answers, depth):.3f}" for depth in (1, 3, DEPTH))
    return f"questions={len(answers)} {recalls} mrr={mean_reciprocal_rank(answers):.3f}"
