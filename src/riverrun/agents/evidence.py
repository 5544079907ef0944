"""What the extractive model has found for one question."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from riverrun.agents.deps import CallSite, Excerpt, SearchHit, SymbolHit
from riverrun.agents.question_terms import identifiers

Hit = SearchHit | SymbolHit

_MOST_HITS = 4
_LOWEST_SHARE_OF_BEST = 0.5
"""Under half of the best score, a hit mostly shares common words with the question."""


@dataclass
class Evidence:
    """Results of tools for ``question``; ``subject`` is the question with what it refers back to."""

    question: str
    subject: str
    searched: list[SearchHit] = field(default_factory=list)
    named: list[SymbolHit] = field(default_factory=list)
    callers: list[CallSite] = field(default_factory=list)
    excerpt: Excerpt | None = None
    has_searched: bool = False
    has_read: bool = False
    has_failed: bool = False

    def add(self, tool_name: str, found: object, *, failed: bool) -> None:
        """Take in what a tool returned as metadata: its values, or nothing when it had only words."""
        self.has_failed |= failed
        if isinstance(found, Excerpt):
            self.excerpt = found
        for item in found if isinstance(found, list) else ():
            match item:
                case SearchHit():
                    self.searched.append(item)
                case SymbolHit():
                    self.named.append(item)
                case CallSite():
                    self.callers.append(item)
        self.has_searched |= tool_name == "search_code"
        self.has_read |= tool_name == "read_file"

    @property
    def best(self) -> Hit | None:
        """What the answer is about; none when nothing was found."""
        return next(iter(self.hits), None)

    @property
    def hits(self) -> Sequence[Hit]:
        """The hits worth telling, best first: definitions the question names, then well-ranked ones."""
        named = [hit for hit in self.named if is_named(hit, self.subject)]
        threshold = self.searched[0].score * _LOWEST_SHARE_OF_BEST if self.searched else 0.0
        ranked = [hit for hit in self.searched if hit.score >= threshold]
        return _distinct([*named[: _MOST_HITS - 1], *ranked])[:_MOST_HITS]


def is_named(hit: Hit, text: str) -> bool:
    """Whether the text names the hit outright."""
    return any(hit.name == name or hit.name.endswith(f".{name}") for name in identifiers(text))


def _distinct(hits: Sequence[Hit]) -> list[Hit]:
    by_place: dict[tuple[str, int, int], Hit] = {}
    for hit in hits:
        place = (hit.location.path, hit.location.start_line, hit.location.end_line)
        by_place.setdefault(place, hit)
    return list(by_place.values())
