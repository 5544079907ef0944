"""Untrusted text made safe HTML: highlighted code, and the markdown of answers.

Nothing here may hold up an event loop, and both jobs have inputs that cost the square of their length. So colours
are paid from a budget of CPU time, and what a piece of markdown may be is bounded in length: over either bound the
rest is shown as plain, escaped text.
"""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import PurePosixPath
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from pygments import format as format_tokens
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Text

HIGHLIGHT_BUDGET_SECONDS = 0.012
MAX_HIGHLIGHTED_CHARS = 40_000
MAX_LINE_CHARS = 2_000
"""A longer line is generated code: colours help nobody there, and lexers are slowest on it."""
MAX_PIECE_CHARS = 6_000

LANGUAGE_BY_SUFFIX = {
    "bash": "bash", "c": "c", "cc": "cpp", "cpp": "cpp", "cs": "csharp", "css": "css", "cxx": "cpp", "diff": "diff",
    "go": "go", "h": "cpp", "hpp": "cpp", "html": "html", "ini": "ini", "java": "java", "js": "javascript",
    "json": "json", "jsx": "jsx", "kt": "kotlin", "lua": "lua", "mjs": "javascript", "patch": "diff", "php": "php",
    "proto": "protobuf", "py": "python", "pyi": "python", "rb": "ruby", "rs": "rust", "scala": "scala", "sh": "bash",
    "sql": "sql", "swift": "swift", "toml": "toml", "ts": "typescript", "tsx": "tsx", "xml": "xml", "yaml": "yaml",
    "yml": "yaml", "cfg": "ini", "cjs": "javascript", "mts": "typescript", "zsh": "bash",
}  # fmt: skip
LANGUAGE_BY_NAME = {"dockerfile": "docker", "makefile": "make", "gemfile": "ruby", "rakefile": "ruby"}
LANGUAGES = frozenset([*LANGUAGE_BY_SUFFIX.values(), *LANGUAGE_BY_NAME.values()])

CITATION = re.compile(r"\[((?:[^\[\]\n]|\[[^\[\]\n]{0,80}\]){1,300}?):(\d{1,7})(?:-(\d{1,7}))?\](?![(\[])")
LINK_SCHEMES = frozenset({"http", "https", "mailto"})
ATTRIBUTES = {
    "a": {"href", "title"},
    "cite": {"data-path", "data-start", "data-end"},
    "code": {"class"},
    "ol": {"start"},
    "pre": {"class", "data-language"},
    "span": {"class"},
    "td": {"class"},
    "th": {"class"},
}
TAGS = frozenset(ATTRIBUTES).union(
    ["blockquote", "br", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "p", "s", "strong"],
    ["table", "tbody", "thead", "tr", "ul"],
)
FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


def highlight(path: str, text: str, start_line: int = 1) -> str:
    """The lines of a file as HTML, each ``<span class="line" data-line="N">`` with its newline inside.

    The language is chosen by the path. Token classes are pygments' short ones; colours are the page's affair.
    """
    lines = _coloured_lines(text, _language_of(path), _Budget())
    return "".join(
        f'<span class="line" data-line="{n}">{line}</span>' for n, line in enumerate(lines, start_line)
    )


def render_markdown(text: str) -> str:
    """CommonMark with tables as safe HTML. Raw HTML and relative links are shown as text, images as links.

    Reference links are not known: a line ``[path:3]: word`` would be one, and vanish.

    ``[path:12-20]`` and ``[path:12]`` become ``<cite data-path data-start data-end>``. Longer than
    ``MAX_PIECE_CHARS`` it is plain text: cut it with :func:`markdown_pieces` first.
    """
    if len(text) > MAX_PIECE_CHARS:
        return f'<pre class="plain">{escape(text)}</pre>\n'
    html: str = _markdown().render(text, {"budget": _Budget()})
    return nh3.clean(
        html,
        tags=set(TAGS),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        url_schemes=set(LINK_SCHEMES),
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )


def markdown_pieces(text: str) -> Iterator[str]:
    """Cut at blank lines outside fences, so that each piece is whole blocks and, where it can be, renders quickly.

    A short text is one piece. Joined, the pieces are the text.
    """
    piece = ""
    for block in _blocks(text):
        if piece and len(piece) + len(block) > MAX_PIECE_CHARS:
            yield piece
            piece = ""
        piece += block
    if piece:
        yield piece


def _blocks(text: str) -> Iterator[str]:
    block, fence = "", ""
    for line in text.splitlines(keepends=True):
        block += line
        mark = FENCE.match(line)
        if fence:
            if mark and line.strip() == mark[1] and mark[1].startswith(fence):
                fence = ""
        elif mark:
            fence = mark[1]
        elif not line.strip():
            yield block
            block = ""
    if block:
        yield block


@dataclass
class _Budget:
    """CPU time of this thread that may still be spent on colours."""

    seconds: float = HIGHLIGHT_BUDGET_SECONDS


def _language_of(path: str) -> str | None:
    name = PurePosixPath(path).name.lower()
    return LANGUAGE_BY_NAME.get(name) or LANGUAGE_BY_SUFFIX.get(name.rpartition(".")[2])


def _language_called(info: str) -> str | None:
    word = info.split(maxsplit=1)[0].lower() if info.strip() else ""
    return word if word in LANGUAGES else LANGUAGE_BY_SUFFIX.get(word)


@lru_cache(maxsize=len(LANGUAGES))
def _lexer(language: str) -> Lexer:
    options = {"startinline": True} if language == "php" else {}
    return get_lexer_by_name(language, stripnl=False, ensurenl=False, **options)


def _coloured_lines(text: str, language: str | None, budget: _Budget) -> list[str]:
    if language is None or not _is_worth_colours(text):
        return _lines(escape(text, quote=False))
    tokens = _tokens_within(budget, _lexer(language), text)
    return _lines(format_tokens(tokens, HtmlFormatter(nowrap=True)))


def _is_worth_colours(text: str) -> bool:
    return len(text) <= MAX_HIGHLIGHTED_CHARS and max(map(len, text.split("\n"))) <= MAX_LINE_CHARS


def _lines(text: str) -> list[str]:
    """Lines end at newlines only, as git and the index count them; ``str.splitlines`` knows eight more ends."""
    lines = [line + "\n" for line in text.split("\n")]
    return lines[:-1] if text.endswith("\n") or not text else lines


def _tokens_within(budget: _Budget, lexer: Lexer, text: str) -> Iterator[tuple[Any, str]]:
    """The lexer's tokens until the budget is spent, then the rest of the text as one plain token."""
    deadline = time.thread_time() + budget.seconds
    for offset, kind, value in lexer.get_tokens_unprocessed(text):
        if time.thread_time() > deadline:
            yield Text, text[offset:]
            break
        yield kind, value
    budget.seconds = deadline - time.thread_time()


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    markdown.disable(["image", "reference"])
    markdown.inline.ruler.before("link", "citation", _citation_rule)
    markdown.validateLink = _is_listed_link  # type: ignore[method-assign]
    markdown.add_render_rule("fence", _render_fence)
    markdown.add_render_rule("citation", _render_citation)
    markdown.add_render_rule("th_open", _render_cell)
    markdown.add_render_rule("td_open", _render_cell)
    return markdown


def _is_listed_link(url: str) -> bool:
    return url.strip().lower().partition(":")[0] in LINK_SCHEMES and ":" in url


def _citation_rule(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "[":
        return False
    match = CITATION.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if not silent:
        token = state.push("citation", "cite", 0)
        token.content = match[0]
        token.attrs = {"data-path": match[1], "data-start": match[2], "data-end": match[3] or match[2]}
    state.pos = match.end()
    return True


def _render_citation(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    return f"<cite{renderer.renderAttrs(token)}>{escape(token.content)}</cite>"


def _render_fence(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    language = _language_called(tokens[index].info)
    code = "".join(_coloured_lines(tokens[index].content, language, env["budget"]))
    name = f' data-language="{language}"' if language else ""
    return f'<pre class="code"{name}><code>{code}</code></pre>\n'


def _render_cell(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """A column's alignment as a class: the page's policy allows no style attributes."""
    token = tokens[index]
    align = str(token.attrs.pop("style", "")).rpartition(":")[2]
    return f'<{token.tag} class="align-{align}">' if align else f"<{token.tag}>"
