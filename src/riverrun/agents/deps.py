"""What an agent may reach: ports that ``conversations.agent_tasks`` fills. Agents know no database."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Location:
    """Lines of a blob, 1-based and inclusive, as a citation carries them."""

    repo: str
    commit: str | None
    path: str
    start_line: int
    end_line: int
    blob: str
    names_repo: bool = False
    """Whether the place is told with its repository, as the conversation has several."""
    version: str = ""
    """What was asked for of the repository: a branch, or a commit's first digits; told with the repository."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A range of a file with its text; ``total_lines`` is the whole file's."""

    location: Location
    text: str
    total_lines: int


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A ranked piece of code. ``name`` is a qualified name, empty for a window between definitions."""

    location: Location
    name: str
    kind: str
    signature: str
    docstring: str
    score: float


@dataclass(frozen=True, slots=True)
class SymbolHit:
    """A definition found by name."""

    location: Location
    name: str
    kind: str
    signature: str
    docstring: str


@dataclass(frozen=True, slots=True)
class CallSite:
    """A place that calls a name; ``caller`` is the qualified name of the enclosing definition, maybe empty."""

    location: Location
    caller: str


class CodeIndex(Protocol):
    """Read-only eyes on the indexed repositories of one conversation. Synchronous: it runs inside a worker.

    Where there are several, paths and globs are taken as ``repo:path`` too, and a listed path is told so. Of a branch or a
    commit that was asked for it is ``repo@branch:path``; the name alone means the default branch, or else every version.
    """

    def search(self, query: str, *, limit: int = 10) -> list[SearchHit]:
        """The best-ranked pieces for a question in plain words, best first; empty when nothing matches."""
        ...

    def find_symbol(self, name: str, *, limit: int = 10) -> list[SymbolHit]:
        """Definitions by exact name, then by qualified suffix, then by similarity."""
        ...

    def callers(self, name: str, *, limit: int = 10) -> list[CallSite]:
        """Where a definition of this (last part of a) name is called."""
        ...

    def read_file(self, path: str, start_line: int = 1, end_line: int | None = None) -> Excerpt | None:
        """A range of an indexed file as it was indexed, clipped to the file; none when there is no such file or range.

        None, too, when the path means several files: see ``namesakes``.
        """
        ...

    def namesakes(self, path: str) -> list[str]:
        """The files that a path means, as ``repo:path``, where it means several; empty otherwise.

        Files that the index cannot tell apart, of repositories of one name, stand there by the same ``repo:path``.
        """
        ...

    def list_files(self, pattern: str = "**", *, limit: int = 200) -> list[str]:
        """Paths that match a glob, sorted; of equal ones, by repository."""
        ...


class EffectState(StrEnum):
    """An effect's way: begun, then done or failed. One that stays ``begun`` may or may not have happened."""

    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class EarlierEffect:
    """What is known of a call that was made before; ``result`` is empty while it is only begun."""

    state: EffectState
    result: str


class EffectLedger(Protocol):
    """The durable list of what a run's tools have changed. Synchronous: it runs inside a worker."""

    def begin(self, effect_id: str, tool: str) -> EarlierEffect | None:
        """Note an effect before it happens. What is known of it, and no new note, if it was noted before."""
        ...

    def end(self, effect_id: str, state: EffectState, result: str) -> None:
        """Note how an effect that was begun here went: done or failed."""
        ...


class OncePerRun(Protocol):
    """The only way to an effect: :class:`agents.effects.Effects`."""

    async def once(self, tool: str, arguments: dict[str, Any], perform: Callable[[], Awaitable[str]]) -> str:
        """What ``perform`` answers, or answered before."""
        ...


@dataclass(frozen=True, slots=True)
class AgentDeps:
    """What the tools of one attempt work with."""

    index: CodeIndex
    effects: OncePerRun
