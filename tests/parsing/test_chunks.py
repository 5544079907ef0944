"""Cutting files: every line once, nothing too long."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riverrun.parsing.chunks import MAX_CHUNK_CHARS, MAX_CHUNK_LINES, Piece, cut_code, cut_markdown, cut_text
from riverrun.parsing.languages import LANGUAGES
from riverrun.parsing.symbols import extract


def cut_python(source: str) -> list[Piece]:
    return cut_code(extract(LANGUAGES["python"], source.encode()), source.split("\n"))


def ranges(pieces: list[Piece]) -> list[tuple[str, str, int, int]]:
    return [(piece.name, piece.kind, piece.start_line, piece.end_line) for piece in pieces]


SOURCE = '''\
"""What it is."""
import os

LIMIT = 3

class Box:
    """A box."""
    width = 1

    def area(self):
        """Its area."""
        def inner():
            return 2
        return inner()

print(LIMIT)
'''


def test_definitions_are_pieces_and_the_rest_is_windows() -> None:
    assert ranges(cut_python(SOURCE)) == [
        ("", "window", 1, 4),
        ("", "window", 16, 16),
        ("Box", "class", 6, 14),
        ("Box.area", "method", 10, 14),
    ]


def test_no_text_is_counted_twice() -> None:
    window, _, box, area = cut_python(SOURCE)
    assert box.body == "class Box:\n    width = 1"
    assert box.docstring == "A box."
    assert "def inner" in area.body
    assert "Its area" not in area.body
    assert window.docstring == "What it is."


def test_a_long_function_goes_on_in_further_pieces_of_its_name() -> None:
    source = "def f():\n" + "".join(f"    step_{number}()\n" for number in range(2 * MAX_CHUNK_LINES))
    pieces = cut_python(source)
    assert ranges(pieces) == [
        ("f", "function", 1, 2 * MAX_CHUNK_LINES + 1),
        ("f", "function", MAX_CHUNK_LINES + 1, 2 * MAX_CHUNK_LINES),
        ("f", "function", 2 * MAX_CHUNK_LINES + 1, 2 * MAX_CHUNK_LINES + 1),
    ]
    joined = "\n".join(piece.body for piece in pieces)
    assert joined == source.rstrip("\n")


def test_an_endless_line_is_cut_and_nothing_of_it_lost() -> None:
    line = "word " * MAX_CHUNK_CHARS
    pieces = cut_text([line])
    assert {(piece.start_line, piece.end_line) for piece in pieces} == {(1, 1)}
    assert "".join(piece.body for piece in pieces) == line


def test_markdown_is_cut_at_its_headings_and_named_by_them() -> None:
    lines = [
        "Before.",
        "# Guide",
        "Text.",
        "## Install",
        "```sh",
        "# no heading",
        "```",
        "### Linux ###",
        "apt",
        "## Use",
        "",
        "Call it.",
        "",
    ]
    assert ranges(cut_markdown(lines)) == [
        ("", "section", 1, 1),
        ("Guide", "section", 2, 3),
        ("Guide > Install", "section", 4, 7),
        ("Guide > Install > Linux", "section", 8, 9),
        ("Guide > Use", "section", 10, 12),
    ]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("# A\n```one line```\n## B\nx", ["A", "A > B"]),
        ("# A\n~~~\n# no\n```\n# no\n~~~\n## B\nx", ["A", "A > B"]),
        ("# A\n````md\n```\n# no\n```\n````\n## B\nx", ["A", "A > B"]),
        ("# A\n```\n# no\n``` no end\n# no\n", ["A"]),
        ("### C#\nx\n### F# ##\nx\n### #\nx", ["C#", "F#", "#"]),
        ("#  A # b\t#\r\nx\n", ["A # b"]),
        ("# A" + " " * 5_000 + "b\nx", [("# A" + " " * 5_000 + "b")[2:202]]),
    ],
)  # fmt: skip
def test_headings_are_what_commonmark_takes_for_such(text: str, names: list[str]) -> None:
    assert [piece.name for piece in cut_markdown(text.split("\n"))] == names


def test_blank_files_have_no_pieces() -> None:
    assert cut_text([]) == cut_markdown(["", "  "]) == cut_text(["", "---", ""]) == cut_python("\n\n") == []


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "def f():",
                "class A:",
                "    x = 1",
                "        y()",
                "",
                "@d",
                "    def m(self): pass",
                "# c",
                "z = [",
            ]
        )
    )
)
def test_every_line_with_a_word_is_in_exactly_one_body_or_docstring(lines: list[str]) -> None:
    marked = [f"{line} # mark{number}x" if line else "" for number, line in enumerate(lines)]
    pieces = cut_python("\n".join(marked))
    text = "\n".join(piece.body for piece in pieces)
    assert all(text.count(f"mark{number}x") == 1 for number, line in enumerate(lines) if line)
