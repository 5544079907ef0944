"""What the extractive model has found for one question."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from riverrun.agents.deps import CallSite, Excerpt, SearchHit, SymbolHit
from riverrun.agents.question_terms import identifiers, is_about_the_whole

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
    paths: list[str] = field(default_factory=list)
    excerpt: Excerpt | None = None
    has_looked: bool = False
    has_read: bool = False
    has_failed: bool = False

    def add(self, tool_name: str, found: object, *, failed: bool) -> None:
        """Take in what a tool returned as metadata: its values, or nothing when it had only words."""
        self.has_failed |= failed
        self.has_looked = True
        self.has_read |= tool_name == "read_file"
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
                case str():
                    self.paths.append(item)

    @property
    def is_about_the_whole(self) -> bool:
        """Whether the repository itself is asked about, which its README answers best."""
        return is_about_the_whole(self.subject)

    @property
    def readme(self) -> str | None:
        """The README nearest to the root; none when there is none."""
        return min(self.paths, key=lambda path: (_depth(path), path), default=None)

    @property
    def best(self) -> Hit | None:
        """What the answer is about; none when nothing was found."""
        return next(iter(self.hits), None)

    @property
    def hits(self) -> Sequence[Hit]:
        """The hits worth telling, best first: definitions the question names, then well-ranked ones."""
        named = [hit for hit in self.named if is_named(hit, self.subject)]
        ranked = sorted(self.searched, key=lambda hit: -hit.score)
        threshold = ranked[0].score * _LOWEST_SHARE_OF_BEST if ranked else 0.0
        return _distinct([*named[: _MOST_HITS - 1], *(hit for hit in ranked if hit.score >= threshold)])


def is_named(hit: Hit, text: str) -> bool:
    """Whether the text names the hit outright."""
    return any(hit.name == name or hit.name.endswith(f".{name}") for name in identifiers(text))


def is_in_tests(path: str) -> bool:
    """Whether a path lies in a folder of tests or is a test file by its name."""
    *folders, name = PurePosixPath(path.lower()).parts
    stem = name.split(".")[0]
    return bool({"test", "tests", "spec", "__tests__"}.intersection(folders)) or (
        stem.startswith("test_") or stem.endswith(("_test", "_spec")) or ".test." in name or ".spec." in name
    )


def _depth(path: str) -> int:
    """How many folders a path leads through; the slash of ``owner/name:README.md`` is none of them."""
    return path.rpartition(":")[2].count("/")


def _distinct(hits: Sequence[Hit]) -> list[Hit]:
    by_place: dict[tuple[str, str, int, int], Hit] = {}
    for hit in hits:
        place = (hit.location.repo, hit.location.path, hit.location.start_line, hit.location.end_line)
        by_place.setdefault(place, hit)
    return list(by_place.values())[:_MOST_HITS]
