"""What a project's own guides say of how to do something with it: README, CONTRIBUTING, INSTALL and Makefile."""

import re
from collections.abc import Iterator, Sequence

from riverrun.agents.code_window import MOST_LINES, CodeWindow
from riverrun.agents.deps import Excerpt
from riverrun.agents.places import Place, shown_path
from riverrun.agents.question_terms import SoughtTerms, terms
from riverrun.agents.readme import README_PATTERNS, folders_of, is_document

GUIDE_PATTERNS = (*README_PATTERNS, "CONTRIBUTING*", "INSTALL*", "Makefile")
_GUIDES = ("readme", "contributing", "install", "makefile")
_CHARS_THAT_ASK = 300
_MOST_TERMS = 16
_LONGEST_LINE_READ = 300
_DOINGS = (
    r"run|install|build|start|stop|deploy|set\s+up|configure|contribute|upgrade|update|release|test|debug|lint|format|"
    r"migrate|back\s+up|launch|publish|compile|execute"
)
_HOW_TO = re.compile(
    rf"\bhow\s+(?:to|(?:do|can|should|would|must)\s+(?:i|we|you|one))\s+(?:\w+\s+)?(?:{_DOINGS})\b",
    re.IGNORECASE,
)
_HEADING = re.compile(r"#{1,6} ")
_TARGET = re.compile(r"[\w-][\w.-]*:(?!=)")
_NEEDS = re.compile(r":[^#]*")
_AFTER_RECIPE = re.compile(r"\S")
_DOUBLED_BEFORE_ING = re.compile(r"\b(\w{1,20}?([bdgmnprt]))\2ing\b", re.IGNORECASE)
"""``running`` is ``run``, which is too short to be told by its stem."""
_FENCES = ("```", "~~~")
_COMMANDS = (
    "bash|bundle|cargo|composer|docker|dotnet|gem|go|gradle|just|make|mvn|nox|npm|npx|pip|pnpm|poetry|pytest|python3?|"
    "rake|sh|tox|uv|yarn"
)
_COMMAND = re.compile(rf"\s*(?:\$ )?(?:{_COMMANDS}) ")


def asks_how_to(question: str) -> bool:
    """Whether somebody wants to do something with the project, which its guides tell rather than its code."""
    return _HOW_TO.search(question[:_CHARS_THAT_ASK]) is not None


def guides_among(paths: Sequence[str]) -> list[str]:
    """The guides nearest to the root, one of each kind; translations only where there is nothing else."""
    guides = sorted(filter(_kind_of, paths), key=lambda path: (folders_of(path), path.count("."), path))
    nearest = [path for path in guides if folders_of(path) == folders_of(guides[0])]
    by_kind = {_kind_of(path): path for path in reversed(nearest)}
    return [by_kind[kind] for kind in _GUIDES if kind in by_kind]


def guiding_lines(guides: Sequence[Excerpt], question: str) -> CodeWindow | None:
    """The lines from the first that has all words of the question; a heading, a target or a command before any other."""
    asked = terms(question[:_CHARS_THAT_ASK])[:_MOST_TERMS]
    sought = SoughtTerms(asked)
    found = [
        (guide, number)
        for guide in guides
        for number, line in enumerate(guide.text.split("\n"))
        if asked and not line.lstrip().startswith("|") and _has_all(_own_words(guide, line), asked, sought)
    ]
    best = next((one for one in found if _begins_something(*one)), next(iter(found), None))
    return _from_line(*best) if best else None


def _kind_of(path: str) -> str:
    """Which guide a path is; empty when it is none."""
    kind = path.rpartition("/")[2].rpartition(":")[2].split(".")[0].lower()
    return kind if kind in _GUIDES and is_document(path) else ""


def _own_words(guide: Excerpt, line: str) -> str:
    """The line; of a target its name and comment, but not what it needs."""
    is_target = _is_makefile(guide) and _TARGET.match(line) is not None
    return _NEEDS.sub(" ", line, count=1) if is_target else line


def _has_all(line: str, asked: Sequence[str], sought: SoughtTerms) -> bool:
    read = _DOUBLED_BEFORE_ING.sub(r"\1", line[:_LONGEST_LINE_READ])
    return len(sought.found_in(read)) == len(asked)


def _begins_something(guide: Excerpt, number: int) -> bool:
    line = guide.text.split("\n")[number]
    is_target = _is_makefile(guide) and _TARGET.match(line) is not None
    return is_target or _HEADING.match(line) is not None or _COMMAND.match(line) is not None


def _from_line(guide: Excerpt, number: int) -> CodeWindow:
    lines = guide.text.split("\n")[number : number + MOST_LINES]
    told = list(_up_to_the_next(lines, _AFTER_RECIPE if _is_makefile(guide) else _HEADING))
    while not told[-1].strip():
        told.pop()
    first = guide.location.start_line + number
    place = Place(shown_path(guide.location), first, first + len(told) - 1)
    return CodeWindow(place, tuple(told), starts_at_top=False, is_whole=False)


def _up_to_the_next(lines: Sequence[str], beginning: re.Pattern[str]) -> Iterator[str]:
    """The lines before the next one that begins something else; a comment in fenced code is no heading."""
    in_fence = False
    for number, line in enumerate(lines):
        if number and not in_fence and beginning.match(line):
            return
        in_fence ^= line.lstrip().startswith(_FENCES)
        yield line


def _is_makefile(guide: Excerpt) -> bool:
    return _kind_of(guide.location.path) == "makefile"
