"""What tools answer, as text for a model: numbered, cited, and never longer than a model should read."""

from collections.abc import Iterable, Sequence

from riverrun.agents.deps import CallSite, Excerpt, SearchHit, SymbolHit
from riverrun.agents.places import format_place

MAX_RESULT_BYTES = 16 * 1024
_MAX_LINE_CHARS = 1_000
_MAX_DOCSTRING_CHARS = 300


def bounded(lines: Iterable[str], *, if_cut: str) -> str:
    """The lines, joined, within :data:`MAX_RESULT_BYTES`; ``if_cut`` takes the place of what did not fit."""
    kept: list[str] = []
    room = MAX_RESULT_BYTES - len(if_cut.encode()) - 1
    for line in lines:
        shown = shorten(line, _MAX_LINE_CHARS)
        room -= len(shown.encode()) + 1
        if room < 0:
            return "\n".join([*kept, if_cut])
        kept.append(shown)
    return "\n".join(kept)


def list_hits(hits: Sequence[SearchHit | SymbolHit]) -> str:
    """One entry a hit: place, kind and name, signature, the beginning of what it says of itself."""
    return bounded(
        (line for number, hit in enumerate(hits, 1) for line in _hit_lines(number, hit)),
        if_cut="(more matched; ask for something narrower)",
    )


def list_call_sites(sites: Sequence[CallSite]) -> str:
    """One line a call: place and the calling definition."""
    return bounded(
        (f"[{format_place(site.location)}] in {site.caller or 'module level'}" for site in sites),
        if_cut="(more callers exist)",
    )


def list_lines(excerpt: Excerpt) -> str:
    """The excerpt with its line numbers, headed by the place it shows and the length of the file."""
    first = excerpt.location.start_line
    lines = excerpt.text.split("\n")
    head = f"[{format_place(excerpt.location)}] of {excerpt.total_lines} lines"
    numbered = (f"{number}: {line}" for number, line in enumerate(lines, first))
    return bounded([head, *numbered], if_cut="(cut here; ask for the lines after the last one shown)")


def list_paths(paths: Sequence[str]) -> str:
    """One path a line."""
    return bounded(paths, if_cut="(more files match; use a narrower pattern)")


def shorten(text: str, limit: int) -> str:
    """The text, or its beginning with an ellipsis within ``limit`` characters."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _hit_lines(number: int, hit: SearchHit | SymbolHit) -> list[str]:
    lines = [f"{number}. [{format_place(hit.location)}] {hit.kind} {hit.name}".rstrip()]
    if hit.signature:
        lines.append(f"   {' '.join(hit.signature.split())}")
    if hit.docstring:
        lines.append(f"   {shorten(' '.join(hit.docstring.split()), _MAX_DOCSTRING_CHARS)}")
    return lines
