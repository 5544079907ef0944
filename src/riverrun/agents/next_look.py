"""Where the extractive model looks next, told by what it has found so far."""

from collections.abc import Iterable

from riverrun.agents.callers import called_name
from riverrun.agents.code_window import MOST_LINES
from riverrun.agents.evidence import Evidence, Hit
from riverrun.agents.guides import GUIDE_PATTERNS
from riverrun.agents.places import shown_path
from riverrun.agents.question_paths import NamedFile
from riverrun.agents.readme import README_PATTERNS

_README_LINES = 120
_LINES_BEFORE = MOST_LINES // 2

Calls = list[tuple[str, dict[str, object]]]


def next_calls(evidence: Evidence) -> Calls:
    """The tools to call next; none when it is time to write."""
    if not evidence.has_looked:
        return _first_look(evidence)
    if file := evidence.file:
        return _look_at_file(file, evidence)
    if evidence.has_read or evidence.folder or evidence.guiding_lines:
        return []
    if evidence.guide_paths and not evidence.guides:
        return [("read_file", {"path": path}) for path in evidence.guide_paths]
    if evidence.readme:
        return [("read_file", {"path": evidence.readme, "start_line": 1, "end_line": _README_LINES})]
    if evidence.is_about_the_whole and not evidence.has_listed:
        return _listing(README_PATTERNS)
    return _closer_look(evidence.best) if evidence.best else []


def _first_look(evidence: Evidence) -> Calls:
    search: Calls = [("search_code", {"query": evidence.subject})]
    names: Calls = [("find_symbol", {"name": name}) for name in evidence.names]
    if evidence.asked_files:
        return [*_listing(file.name for file in evidence.asked_files), *search]
    if evidence.asked_folder:
        return [*_listing([f"**/{evidence.asked_folder}"]), *search, *names]
    if evidence.asks_how_to:
        return [*_listing(GUIDE_PATTERNS), *search]
    if evidence.is_about_the_whole:
        return [*_listing(README_PATTERNS), *search]
    return [*search, *names]


def _listing(patterns: Iterable[str]) -> Calls:
    return [("list_files", {"pattern": pattern}) for pattern in dict.fromkeys(patterns)]


def _look_at_file(file: NamedFile, evidence: Evidence) -> Calls:
    """Its head or the lines around the named one; then whatever bears the words of that line, to know where it belongs."""
    if not evidence.has_read:
        first = max(1, file.line - _LINES_BEFORE)
        lines = {"start_line": first, "end_line": first + MOST_LINES - 1}
        return [("read_file", {"path": file.path, **lines})]
    if evidence.searches > 1 or not file.line or evidence.excerpt is None:
        return []
    around = evidence.excerpt.text.split("\n")[file.line - evidence.excerpt.location.start_line :]
    return [("search_code", {"query": f"{file.path} {line}"}) for line in around[:1]]


def _closer_look(best: Hit) -> Calls:
    place = best.location
    lines = {"start_line": place.start_line, "end_line": place.end_line}
    looking: Calls = [("read_file", {"path": shown_path(place), **lines})]
    if name := called_name(best):
        looking.append(("find_callers", {"name": name}))
    return looking
