"""Nothing of a text is lost on its way to HTML, and nothing in it stays hidden."""

import re
from html import unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riverrun.kit.markup import highlight, markdown_pieces, render_markdown

CONTROLS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
MARKS = "\u200e\u200f\u061c"
NAMED = re.compile(r'<span class="bidi" data-char="U\+([0-9A-F]{4})">(.)</span>')

indents = st.builds(
    str.__mul__, st.sampled_from(["  ", "   ", "> ", "- ", "> - ", "1. "]), st.integers(0, 26)
)
lines = st.tuples(indents, st.sampled_from(["- ", "* ", "1. ", "> ", ""]), st.sampled_from(["\n", "\n\n"]))


def text_of(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", html))


def rendered(text: str) -> str:
    return "".join(map(render_markdown, markdown_pieces(text)))


@settings(max_examples=300, deadline=None)
@given(st.lists(lines, min_size=1, max_size=14))
def test_no_word_of_a_nested_text_is_lost(shape: list[tuple[str, str, str]]) -> None:
    words = [f"w{number}q" for number in range(len(shape))]
    text = "".join(
        f"{indent}{mark}{word}{end}" for (indent, mark, end), word in zip(shape, words, strict=True)
    )
    assert re.findall(r"w\d+q", text_of(rendered(text))) == words


@pytest.mark.parametrize("depth", range(1, 30))
@pytest.mark.parametrize("mark", ["- ", "> ", "1. ", "> - "])
def test_a_text_is_whole_however_deep_it_goes(mark: str, depth: int) -> None:
    html = render_markdown(f"Before.\n\n{mark * depth}deep\n\nAfter.\n")
    assert re.findall(r"Before|deep|After", html) == ["Before", "deep", "After"]


def test_nine_lists_in_each_other_are_lists() -> None:
    text = "".join(f"{'  ' * depth}- item {depth}\n" for depth in range(9))
    assert render_markdown(text).count("<li>") == 9


@pytest.mark.parametrize("path", ["a.py", "a.unknown"])
@pytest.mark.parametrize("character", CONTROLS + MARKS)
def test_code_hides_no_character_that_turns_its_order(path: str, character: str) -> None:
    code = f'if access != "user{character} # only admins":\n    pass\n'
    html = highlight(path, code)
    assert NAMED.findall(html) == [(f"{ord(character):04X}", character)]
    assert text_of(html) == code


@pytest.mark.parametrize("frame", ["`{}`", "```python\n{}\n```", "```\n{}\n```", "    {}", "[{}.py:1-2]"])
@pytest.mark.parametrize("character", CONTROLS + MARKS)
def test_nor_does_the_code_of_an_answer(frame: str, character: str) -> None:
    html = render_markdown(frame.format(f"# a{character}b"))
    assert NAMED.findall(html) == [(f"{ord(character):04X}", character)]
    assert f"# a{character}b" in text_of(html)


@pytest.mark.parametrize(
    "prose", ["a{}b", "**a{}b**", "# a{}b", "| a{}b |\n|---|", "<https://a.example/{}gnp.exe>"]
)
@pytest.mark.parametrize("character", CONTROLS)
def test_prose_hides_no_override(prose: str, character: str) -> None:
    assert NAMED.findall(render_markdown(prose.format(character))) == [(f"{ord(character):04X}", character)]


def test_an_override_is_found_however_it_is_written() -> None:
    assert [
        name for name, _ in NAMED.findall(render_markdown("a&#x202e;b <https://a.example/%E2%80%AEgnp>"))
    ] == [
        "202E",
        "202E",
    ]
    assert NAMED.findall(render_markdown("- " * 30 + "\u202e")) == [("202E", "\u202e")]


def test_prose_keeps_the_plain_marks_that_arabic_and_hebrew_need() -> None:
    prose = "\u05e9\u05dc\u05d5\u05dd C++\u200f, \u0645\u0631\u062d\u0628\u0627\u061c!"
    assert render_markdown(prose) == f"<p>{prose}</p>\n"


def test_what_turns_its_order_everywhere_is_not_named_each_time() -> None:
    html = render_markdown("```\n" + "a\u202e" * 100_000 + "\n```\n")
    assert "\u202e" not in html
    assert html.count("a\ufffd") == 100_000
