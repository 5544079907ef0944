"""Answers out of a project's own guides."""

from collections.abc import Iterator

from riverrun.agents.code_window import CodeWindow
from riverrun.agents.evidence import Evidence
from riverrun.agents.hit_text import bullet
from riverrun.agents.places import format_place
from riverrun.agents.prose import code_span

_MOST_OTHERS = 3


def tell_guide(lines: CodeWindow, evidence: Evidence) -> Iterator[str]:
    """The guide's lines as they stand, and the code that is nearest to the question."""
    yield f"{code_span(lines.place.path)} says [{format_place(lines.place)}]:"
    yield lines.fenced
    if others := [bullet(hit) for hit in evidence.hits[:_MOST_OTHERS]]:
        yield "Also related:"
        yield "\n".join(others)
