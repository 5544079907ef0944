"""Places in code as text: ``path:10-20``, the one spelling that tools, citations and answers share.

Where a conversation has several repositories it is ``repo:path:10-20``, or ``repo@branch:path:10-20``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from riverrun.agents.deps import Location

_LINES = r"L?(?P<start>\d{1,8})(?:[-–]L?(?P<end>\d{1,8}))?"
_PLACE = re.compile(rf"(?P<path>\S(?:.*?\S)?)[:#]{_LINES}")
_BARE_LINES = re.compile(_LINES)
_LIST_SEPARATOR = re.compile(r"\s*[,;]\s*")
_COMMIT_ID = re.compile(r"[0-9a-f]{40}")
_TOLD_DIGITS = 12
_EXTENSION = re.compile(r"\.[A-Za-z]\w*$")


@dataclass(frozen=True, slots=True)
class Place:
    """A claim about lines of a path, 1-based and inclusive; nobody has checked it yet."""

    path: str
    start_line: int
    end_line: int

    @property
    def is_plausible(self) -> bool:
        """Whether the lines could exist in some file."""
        return 1 <= self.start_line <= self.end_line

    @property
    def looks_like_a_file(self) -> bool:
        """Whether the path reads as a file name, rather than as a slice, a port or a verse."""
        if "://" in self.path:
            return False
        return "/" in self.path or _EXTENSION.search(self.path) is not None


def parse_places(text: str) -> list[Place]:
    """The places a bracket names, in order; empty when it is anything else.

    Understands ``path:10-20``, ``path:10``, ``./path``, ``path#L10-L20``, and lists such as
    ``a.py:1-2, b.py:3`` or ``a.py:1-2, 7-9``.
    """
    if places := list(_parse_list(text)):
        return places
    single = _PLACE.fullmatch(text)
    return [_place(normalise_path(single["path"]), single)] if single else []


def normalise_path(path: str) -> str:
    """The path as the index knows it: forward slashes, neither ``./`` nor ``/`` in front."""
    cleaned = path.strip().replace("\\", "/")
    while cleaned.startswith("./"):
        cleaned = cleaned[2:]
    return cleaned.lstrip("/")


def format_place(location: Location | Place) -> str:
    """``path:10-20``, or ``path:10`` for a single line; after the repository where the place names it."""
    path = shown_path(location) if isinstance(location, Location) else location.path
    if location.start_line == location.end_line:
        return f"{path}:{location.start_line}"
    return f"{path}:{location.start_line}-{location.end_line}"


def shown_path(location: Location) -> str:
    """The path as tools print it, and take it."""
    repo = versioned(location.repo, location.version)
    return full_path(repo, location.path) if location.names_repo else location.path


def full_path(repo: str, path: str) -> str:
    """``repo:path``. A colon, as a slash would read like a folder of another repository."""
    return f"{repo}:{path}"


def versioned(repo: str, version: str) -> str:
    """``repo@branch``; the name alone for what the repository has by default."""
    return f"{repo}@{version}" if version else repo


def told_version(branch_name: str) -> str:
    """A project's ``branch_name`` as places tell it: of a commit's id the first digits, which readers and models can repeat."""
    return branch_name[:_TOLD_DIGITS] if _COMMIT_ID.fullmatch(branch_name) else branch_name


def _parse_list(text: str) -> Iterator[Place]:
    items = _LIST_SEPARATOR.split(text)
    first = _PLACE.fullmatch(items[0])
    if first is None or len(items) < 2:
        return
    places = [_place(normalise_path(first["path"]), first)]
    for item in items[1:]:
        lines = _BARE_LINES.fullmatch(item)
        match = lines or _PLACE.fullmatch(item)
        if match is None:
            return
        path = places[-1].path if lines else normalise_path(match["path"])
        places.append(_place(path, match))
    yield from places


def _place(path: str, match: re.Match[str]) -> Place:
    start = int(match["start"])
    return Place(path, start, int(match["end"] or start))
