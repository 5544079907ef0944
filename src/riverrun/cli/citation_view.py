"""Citations, with the lines they speak of."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.syntax import Syntax
from rich.text import Text

from riverrun.agents.text_repair import repair
from riverrun.cli.client import RiverrunClient
from riverrun.cli.client_errors import ApiProblem

LONGEST_LINES = 12
"""So many lines of a citation are shown; the rest is counted."""


def place(citation: dict[str, Any]) -> str:
    """``path:line`` or ``path:first-last``, in one line."""
    path = _harmless(citation["path"]).replace("\n", " ")
    first, last = citation["start_line"], citation["end_line"]
    return f"{path}:{first}" if first == last else f"{path}:{first}-{last}"


def show_citations(
    console: Console, client: RiverrunClient, project_id: str, citations: Sequence[dict[str, Any]]
) -> None:
    """Each place as a heading with its lines as they were indexed."""
    for citation in citations:
        console.print(Text(place(citation), style="bold cyan"))
        try:
            _show_lines(console, client, project_id, citation)
        except ApiProblem as problem:
            console.print(Text(f"  the lines cannot be shown: {repair(str(problem))}", style="yellow"))
        console.print()


def _show_lines(console: Console, client: RiverrunClient, project_id: str, citation: dict[str, Any]) -> None:
    first, last = citation["start_line"], citation["end_line"]
    shown_last = min(last, first + LONGEST_LINES - 1)
    text = _harmless(client.file_lines(project_id, citation["path"], first, shown_last)["text"])
    if console.is_terminal:
        lexer = Syntax.guess_lexer(citation["path"], text)
        console.print(
            Syntax(
                text.rstrip("\n"),
                lexer,
                line_numbers=True,
                start_line=first,
                theme="ansi_dark",
                background_color="default",
                word_wrap=True,
            )
        )
    else:
        for number, line in enumerate(text.split("\n"), first):
            console.print(Text(f"{number:6} {line}"), soft_wrap=True)
    if last > shown_last:
        console.print(Text(f"       … {last - shown_last} more lines", style="dim"))


def _harmless(text: str) -> str:
    """Without what a terminal obeys. Carriage returns go too: for the index no line ends at them, for Pygments one does."""
    return repair(text).replace("\r", "")
