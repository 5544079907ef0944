"""Untrusted text as HTML: nothing runs, nothing leaks, nothing takes long."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riverrun.kit.markup import MAX_PIECE_CHARS, highlight, markdown_pieces, render_markdown

CODE = 'def f(x):\n    """Doc\n    string."""\n    return "<b>" + x\n'
TAG = re.compile(r"</?([a-z0-9]+)[^>]*>")
OURS = {
    "a",
    "blockquote",
    "br",
    "cite",
    "code",
    "del",
    "em",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "s",
    "span",
    "strong",
}
OURS |= {"h1", "h2", "h3", "h4", "h5", "h6", "table", "tbody", "td", "th", "thead", "tr", "ul"}
SHARDS = [
    "<",
    ">",
    '"',
    "'",
    "&",
    "[",
    "](",
    ")",
    "`",
    "```\n",
    "*",
    "_",
    "javascript:",
    "http://a",
    ":1-2]",
    "\n",
]
SHARDS += [
    "| ",
    "-|-\n",
    "onerror=",
    "<script>",
    "src",
    " ",
    "x",
    "\\",
    "&#x3c;",
    "~~",
    "> ",
    "- ",
    "\x00",
    "\u2028",
]


def test_code_is_coloured_line_by_line_from_the_given_number() -> None:
    html = highlight("pkg/a.py", CODE, start_line=41)
    assert re.findall(r'data-line="(\d+)"', html) == ["41", "42", "43", "44"]
    assert '<span class="k">def</span>' in html
    assert "<b>" not in html
    assert (
        re.sub(r"<[^>]+>", "", html).replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"') == CODE
    )


@pytest.mark.parametrize("path", ["x.py", "x.unknown", "Makefile", "x.html", "x.php", "x.c", "x.json"])
def test_every_language_escapes_markup(path: str) -> None:
    html = highlight(path, "<script>alert(1)</script>\n<img src=x onerror=y> & \"quotes\" 'too'\n")
    assert set(TAG.findall(html)) == {"span"}
    assert "<script" not in html
    assert "<img" not in html


def test_lines_end_at_newlines_only() -> None:
    html = highlight("x.txt", "a\x0cb\u2028c\x85d\ne")
    assert re.findall(r'data-line="(\d+)"', html) == ["1", "2"]


def test_nothing_to_show_is_no_line() -> None:
    assert highlight("x.py", "") == ""


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "text <img src=x onerror=alert(1)> text",
        "<svg/onload=alert(1)>",
        "[click](javascript:alert(1))",
        "[click](JaVaScRiPt:alert(1))",
        "[click](java\tscript:alert(1))",
        "[click](&#106;avascript:alert(1))",
        "[click](data:text/html;base64,PHNjcmlwdD4=)",
        "[click](vbscript:x)",
        "[click](//evil.example/x)",
        "[click](/sign-in?token=x)",
        "![leak](http://evil.example/x.png)",
        "<javascript:alert(1)>",
        '[x](http://a.example "quoted\\" onmouseover=alert(1)")',
        "```html onload=alert(1)\n<script>alert(1)</script>\n```",
        '```"><script>alert(1)</script>\nx\n```',
        "[`<script>`:1-2]",
        '[a" onmouseover="alert(1):1-2]',
        "| <script> | b |\n|---|---|\n| [x](javascript:y) | <iframe src=z> |",
        "<!-- <script> --> <style>body{display:none}</style>",
    ],
)
def test_hostile_markdown_stays_text(source: str) -> None:
    html = render_markdown(source)
    assert set(TAG.findall(html)) <= OURS
    for tag in re.findall(r"<[a-z][^>]*>", html):
        assert not re.search(r"\son\w+\s*=|\sstyle=|\ssrc=", re.sub(r'"[^"]*"', '""', tag)), tag
    for address in re.findall(r'href="([^"]*)"', html):
        assert address.startswith(("http://", "https://", "mailto:")), address


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(SHARDS), max_size=40).map("".join))
def test_no_markdown_makes_markup_of_its_own(source: str) -> None:
    html = render_markdown(source)
    assert set(TAG.findall(html)) <= OURS
    assert "<script" not in html
    assert all(
        address.startswith(("http://", "https://", "mailto:"))
        for address in re.findall(r'href="([^"]*)"', html)
    )


def test_links_tell_the_other_side_nothing() -> None:
    html = render_markdown("[docs](https://docs.example/a?b=c&d=e)")
    assert 'rel="noopener noreferrer nofollow"' in html
    assert 'target="_blank"' in html
    assert "https://docs.example/a?b=c&amp;d=e" in html


@pytest.mark.parametrize(
    ("marker", "path", "start", "end"),
    [
        ("[src/pkg/__init__.py:3-20]", "src/pkg/__init__.py", "3", "20"),
        ("[a_b/c_d.py:7]", "a_b/c_d.py", "7", "7"),
        ("[app/[id]/page.tsx:1-2]", "app/[id]/page.tsx", "1", "2"),
        ("[my file.py:1-2]", "my file.py", "1", "2"),
        ("[a.py:1-2]: and on", "a.py", "1", "2"),
    ],
)
def test_markers_of_places_are_told_apart_from_other_text(
    marker: str, path: str, start: str, end: str
) -> None:
    html = render_markdown(f"{marker}\n\nSee *this* {marker}")
    assert html.count(f'<cite data-path="{path}" data-start="{start}" data-end="{end}">') == 2


@pytest.mark.parametrize(
    "text", ["`[a.py:1-2]`", "[a.py:1-2](http://a.example)", "[a.py]", "[a.py:x]", "```\n[a.py:1]\n```"]
)
def test_what_only_looks_like_a_marker_is_none(text: str) -> None:
    assert "<cite" not in render_markdown(text)


def test_fences_are_coloured_by_their_language() -> None:
    html = render_markdown("```python title=x\nif x:\n    pass\n```\n\n```nosuch\nif\n```")
    assert '<pre class="code" data-language="python">' in html
    assert '<span class="k">if</span>' in html
    assert '<pre class="code"><code>if' in html


def test_tables_are_aligned_without_style_attributes() -> None:
    html = render_markdown("| a | b |\n|--:|:-:|\n| 1 | 2 |")
    assert '<th class="align-right">a</th>' in html
    assert '<td class="align-center">2</td>' in html


def test_pieces_are_whole_blocks_and_join_to_the_text() -> None:
    fence = "```python\n" + "x = 1\n\n" * 300 + "```\n"
    text = "".join(f"Paragraph {number} of the text.\n\n" for number in range(600)) + fence + "\nThe end"
    pieces = list(markdown_pieces(text))
    assert "".join(pieces) == text
    assert len(pieces) > 2
    assert all(len(piece) <= MAX_PIECE_CHARS for piece in pieces)
    assert sum(fence in piece for piece in pieces) == 1
    assert list(markdown_pieces("short")) == ["short"]


def test_pieces_render_as_the_whole_does() -> None:
    item = "1. An item of *some* length.\n\n   Its second paragraph.\n\n   ```python\n   x = 1\n   ```\n\n"
    text = "Before:\n\n" + item * 80 + "```python\nif x:\n\n    pass\n```\nAfter.\n"
    pieces = list(markdown_pieces(text))
    html = "".join(map(render_markdown, pieces))
    assert len(pieces) > 1
    assert "".join(pieces) == text
    assert html.count("<li>") == html.count("<p>Its second paragraph.</p>") == 80
    assert html.count('<pre class="code" data-language="python">') == 81
    assert "<p>After.</p>" in html
    assert "```" not in html


def test_a_long_fence_is_rendered_and_a_long_list_item_by_item() -> None:
    fence = "```python\n" + "if x: pass\n" * 1_000 + "```\n"
    (piece,) = markdown_pieces(fence)
    assert '<pre class="code" data-language="python">' in render_markdown(piece)
    pieces = list(markdown_pieces("- an item that is *long*\n" * 500))
    assert "".join(map(render_markdown, pieces)).count("<li>") == 500


def test_a_block_too_long_to_render_quickly_is_plain_text() -> None:
    html = render_markdown("*a* <b>" * MAX_PIECE_CHARS)
    assert html.startswith('<pre class="plain">*a* &lt;b&gt;')
    assert "<em>" not in html


QUADRATIC = {
    "brackets": "[" * 10_000,
    "images": "![a" * 5_000,
    "links": "[a](" * 5_000,
    "markers": "[a[]" * 5_000,
    "emphasis": "_a*" * 5_000,
    "table": "a|\n-|\n" + "|\n" * 5_000,
}
BOUND_SECONDS = 1.0
"""Far over what a piece takes (some 20 ms), far under what these cost without a bound."""


@pytest.mark.parametrize("name", QUADRATIC)
def test_markdown_that_costs_the_square_of_its_length_is_bounded(name: str) -> None:
    began = time.thread_time()
    render_markdown((QUADRATIC[name] * 10)[:MAX_PIECE_CHARS])
    assert time.thread_time() - began < BOUND_SECONDS


@pytest.mark.parametrize("prefix", ["~~~\n~~~\n ", "```\n```\n\n\t"])
@pytest.mark.parametrize("name", QUADRATIC)
def test_what_follows_a_fence_is_bounded_as_anything_else(prefix: str, name: str) -> None:
    text = prefix + (QUADRATIC[name] * 20)[: 5 * MAX_PIECE_CHARS]
    assert render_markdown(text).startswith('<pre class="plain">')
    *_, last = markdown_pieces(text)
    assert len(last) <= MAX_PIECE_CHARS or render_markdown(last).startswith('<pre class="plain">')


def test_a_row_of_backticks_that_opens_no_fence_is_tried_once() -> None:
    """Tried at each of its lengths, this would outlast the runner's patience."""
    row = "`" * 1_000_000 + "x`"
    assert list(markdown_pieces(row)) == [row]


@pytest.mark.parametrize(
    "block",
    [
        "```\nx = 1\n```\n    indented code\n\n    more of it\n",
        "```\nx = 1\n```\n\n  words, *indented*\n",
        "```\nx = 1\n```\n  - an item\n\n    ```\n    y = 2\n    ```\n\n    its *end*\n  - another\n",
        "- an item\n  ```\n  x = 1\n  ```\n  its *end*\n",
        "1. an item\n\n   ~~~\n   x = 1\n   ~~~\n\n       code of the item\n",
    ],
)
def test_what_is_indented_after_a_fence_renders_as_in_the_whole(block: str) -> None:
    whole = render_markdown(f"{block}\nWords.\n")
    long = "~~~\n" + "x\n" * MAX_PIECE_CHARS + "~~~\n"
    pieces = list(markdown_pieces(f"{long}\n{block}\nWords.\n"))
    assert len(pieces) > 1
    assert "".join(map(render_markdown, pieces)).endswith(f"</code></pre>\n{whole}")


@pytest.mark.parametrize(
    ("path", "text"), [("x.py", "\n \n" * 9_000), ("x.ts", "a." * 800 + "\n"), ("x.html", "&\n" * 9_000)]
)
def test_code_that_costs_the_square_of_its_length_loses_its_colours_only(path: str, text: str) -> None:
    began = time.thread_time()
    html = highlight(path, text)
    assert time.thread_time() - began < BOUND_SECONDS
    assert html.count('class="line"') == text.count("\n")
