"""Answers about a file, a line of it, or a folder that the question names."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from riverrun.agents.code_window import best_window
from riverrun.agents.deps import Excerpt
from riverrun.agents.evidence import Evidence, Hit
from riverrun.agents.hit_text import bullet, describe
from riverrun.agents.places import format_place
from riverrun.agents.prose import code_span
from riverrun.agents.question_paths import NamedFile
from riverrun.agents.tools import MOST_PATHS

_MOST_DEFINITIONS = 8
_MOST_FILES = 30


def tell_file(file: NamedFile, evidence: Evidence) -> Iterator[str]:
    """The file's head, or the lines around the named one with the definition they belong to; then what was found in it."""
    inside = [hit for hit in evidence.hits_in(file.path) if hit.name]
    owner = _innermost(inside, file.line)
    yield from _show(file, owner, evidence.excerpt)
    if others := [hit for hit in inside if hit is not owner][:_MOST_DEFINITIONS]:
        yield "Found in this file:"
        yield "\n".join(bullet(hit) for hit in others)


def tell_folder(folder: str, listed: Sequence[str]) -> Iterator[str]:
    """Which of the listed files lie in a folder, and how many."""
    inside = [path for path in listed if path.startswith(f"{folder}/")]
    count = f"{len(inside)} indexed file{'s lie' if len(inside) > 1 else ' lies'}"
    yield f"{'' if len(listed) < MOST_PATHS else 'At least '}{count} in {code_span(folder)}:"
    shown = [f"- {code_span(path)}" for path in inside[:_MOST_FILES]]
    if rest := len(inside) - len(shown):
        shown.append(f"- and {rest} more")
    yield "\n".join(shown)


def _show(file: NamedFile, owner: Hit | None, excerpt: Excerpt | None) -> Iterator[str]:
    window = best_window(excerpt, ()) if excerpt else None
    if excerpt is None or window is None or excerpt.location.end_line < file.line:
        length = f", which has {_counted(excerpt)}" if excerpt else ""
        yield f"The question names {_naming(file)}{length}; there is nothing to show."
        return
    told = f", in {describe(owner)}" if owner else "" if file.line else f" ({_counted(excerpt)})"
    yield f"The question names {_naming(file)}{told}."
    shown = replace(excerpt.location, start_line=window.place.start_line, end_line=window.place.end_line)
    yield f"It says there [{format_place(shown)}]:"
    yield window.fenced


def _counted(excerpt: Excerpt) -> str:
    return "1 line" if excerpt.total_lines == 1 else f"{excerpt.total_lines} lines"


def _naming(file: NamedFile) -> str:
    path = code_span(file.path)
    return f"line {file.line} of {path}" if file.line else path


def _innermost(hits: Sequence[Hit], line: int) -> Hit | None:
    around = [hit for hit in hits if hit.location.start_line <= line <= hit.location.end_line]
    return min(around, key=lambda hit: hit.location.end_line - hit.location.start_line, default=None)
