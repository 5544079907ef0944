"""The cited lines of a repository, which anybody may have written, on a terminal."""

import io

import pytest
from rich.console import Console
from tests.support.scripted_server import json_answer, scripted

from riverrun.cli.citation_view import show_citations
from riverrun.cli.client import RiverrunClient

HOSTILE = "a = 1\x1b]0;owned\x07\nb = 2\x9b2J\u2028\rc\r\n\x85d = 3\n"
"""Sets the title, clears the screen, overwrites a line; and has lines' ends that only some programs know."""


def shown(text: str, path: str, *, is_terminal: bool = False) -> str:
    console = Console(
        file=io.StringIO(), force_terminal=is_terminal, width=60, color_system=None, highlight=False
    )
    last = 4 + text.count("\n")
    citation = {"path": path, "start_line": 4, "end_line": last}
    with scripted(json_answer(200, {"text": text})) as server, RiverrunClient(server.address) as client:
        show_citations(console, client, "p", [citation])
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_repository_cannot_speak_to_the_terminal(is_terminal: bool) -> None:
    written = shown(HOSTILE, "src/\x1b]0;owned\x07a\n.py", is_terminal=is_terminal)
    assert not set(written) & set("\x1b\x07\x9b\x85\r")
    assert written.startswith("src/]0;owneda .py:4-7\n")
    assert "a = 1]0;owned" in written


@pytest.mark.parametrize("is_terminal", [True, False])
def test_lines_have_the_numbers_of_the_index(is_terminal: bool) -> None:
    written = shown(HOSTILE + "e = 4", "a.py", is_terminal=is_terminal)
    numbered = dict(line.split(maxsplit=1) for line in written.split("\n") if line.startswith("  "))
    assert {number: words.strip() for number, words in numbered.items()} == {
        "4": "a = 1]0;owned",
        "5": "b = 22J\u2028c",
        "6": "d = 3",
        "7": "e = 4",
    }


def test_an_empty_line_at_the_end_is_a_line() -> None:
    assert shown("a\n", "a.txt") == "a.txt:4-5\n     4 a\n     5 \n\n"
