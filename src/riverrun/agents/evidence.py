"""What the extractive model has found for one question."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from riverrun.agents.code_window import CodeWindow
from riverrun.agents.deps import CallSite, Excerpt, SearchHit, SymbolHit
from riverrun.agents.guides import asks_how_to, guides_among, guiding_lines
from riverrun.agents.hit_order import Spot, is_named, most_alike, most_likely_first, spot
from riverrun.agents.places import shown_path
from riverrun.agents.question_names import identifiers
from riverrun.agents.question_paths import NamedFile, folder_among, named_files, named_folder
from riverrun.agents.question_terms import is_about_the_whole, says_little_beside, says_only
from riverrun.agents.readme import likeliest_readme

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
    guides: list[Excerpt] = field(default_factory=list)
    searches: int = 0
    has_looked: bool = False
    has_listed: bool = False
    has_read: bool = False
    has_failed: bool = False

    def add(self, tool_name: str, found: object, *, failed: bool) -> None:
        """Take in what a tool returned as metadata: its values, or nothing when it had only words."""
        self.has_failed |= failed
        self.has_looked = True
        self.has_listed |= tool_name == "list_files"
        if isinstance(found, Excerpt) and shown_path(found.location) in self.guide_paths:
            self.guides.append(found)
            return
        self.has_read |= tool_name == "read_file"
        self.searches += tool_name == "search_code"
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
        return is_about_the_whole(self.subject) or self._says_only_the_repositorys_name

    @cached_property
    def names(self) -> Sequence[str]:
        """The names of code that the subject mentions."""
        return identifiers(self.subject)

    @property
    def nearly_named(self) -> tuple[str, SymbolHit] | None:
        """A name that nothing bears, and the definition whose name is most like it; none where the subject says more.

        ``How does a WebSocket notice that nobody answers?`` is no question about a ``websocket`` that happens to exist.
        """
        if any(is_named(hit, self.names) for hit in self.named):
            return None
        alike = most_alike(self.named, self.names)
        return alike if alike and says_little_beside(self.subject, alike[0]) else None

    @cached_property
    def asked_files(self) -> Sequence[NamedFile]:
        """The files that the question names, whether they are indexed or not."""
        return named_files(self.question)

    @cached_property
    def asked_folder(self) -> str | None:
        """The folder that the question names, whether there is one or not."""
        return None if self.asked_files else named_folder(self.question)

    @property
    def folder(self) -> str | None:
        """The indexed folder that the question names."""
        return folder_among(self.asked_folder, self.paths) if self.asked_folder else None

    @property
    def file(self) -> NamedFile | None:
        """The first indexed file that the question names, by its path in the index."""
        found = ((file.among(self.paths), file.line) for file in self.asked_files)
        return next((NamedFile(path, line) for path, line in found if path), None)

    @property
    def _says_only_the_repositorys_name(self) -> bool:
        """The name is known once something is found."""
        return any(says_only(self.subject, hit.location.repo.rpartition("/")[2]) for hit in self.searched[:1])

    @cached_property
    def asks_how_to(self) -> bool:
        """Whether the project's own guides may answer the question: it wants to do something, and names no code."""
        return asks_how_to(self.question) and not self.names

    @property
    def guide_paths(self) -> Sequence[str]:
        """The guides to read, where they may answer the question."""
        return guides_among(self.paths) if self.asks_how_to else []

    @property
    def guiding_lines(self) -> CodeWindow | None:
        """What the guides say to the question; none when they say nothing."""
        return guiding_lines(self.guides, self.question)

    @property
    def readme(self) -> str | None:
        """The README nearest to the root, where the repository itself is asked about; none when there is none."""
        return likeliest_readme(self.paths) if self.is_about_the_whole else None

    @property
    def best(self) -> Hit | None:
        """What the answer is about; none when nothing was found."""
        return next(iter(self.hits), None)

    @property
    def hits(self) -> Sequence[Hit]:
        """The hits worth telling, best first: definitions the question names, then well-ranked ones."""
        ranked = sorted(self.searched, key=lambda hit: -hit.score)
        named = most_likely_first([hit for hit in self.named if is_named(hit, self.names)], ranked)
        if not named and self.nearly_named:
            named = [self.nearly_named[1]]
        threshold = ranked[0].score * _LOWEST_SHARE_OF_BEST if ranked else 0.0
        telling: list[Hit] = [*named[: _MOST_HITS - 1], *(hit for hit in ranked if hit.score >= threshold)]
        return _distinct(telling)[:_MOST_HITS]

    def hits_in(self, path: str) -> Sequence[Hit]:
        """The definitions and passages of one file that were found, in its order."""
        found: list[Hit] = [*self.searched, *self.named]
        inside = [hit for hit in found if shown_path(hit.location) == path]
        return sorted(_distinct(inside), key=lambda hit: (hit.location.start_line, -hit.location.end_line))


def _distinct(hits: Sequence[Hit]) -> list[Hit]:
    by_spot: dict[Spot, Hit] = {}
    for hit in hits:
        by_spot.setdefault(spot(hit.location), hit)
    return list(by_spot.values())
