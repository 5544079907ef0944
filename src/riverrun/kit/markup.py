"""Untrusted text made safe HTML: highlighted code, and the markdown of answers.

Nothing here may hold up an event loop. Colours cost time in proportion to the text; markdown has inputs that cost the
square of their length. So both are bounded in length: over the bound a text is shown plain, escaped.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from html import escape
from io import StringIO
from pathlib import PurePosixPath
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from riverrun.kit.bidi import BIDI_IN_CODE, BIDI_IN_PROSE
from riverrun.kit.code_fence import FENCE, fence_behind
from riverrun.kit.colours import LANGUAGES, coloured

MAX_HIGHLIGHTED_CHARS = 20_000
MAX_PIECE_CHARS = 4_000
MAX_NAMED_CHARS = 10_000

LANGUAGE_BY_SUFFIX = {
    "bash": "bash", "c": "c", "cc": "cpp", "cpp": "cpp", "cs": "csharp", "css": "css", "cxx": "cpp", "diff": "diff",
    "go": "go", "h": "cpp", "hpp": "cpp", "html": "html", "ini": "ini", "java": "java", "js": "javascript",
    "json": "json", "jsx": "jsx", "kt": "kotlin", "lua": "lua", "mjs": "javascript", "patch": "diff", "php": "php",
    "proto": "protobuf", "py": "python", "pyi": "python", "rb": "ruby", "rs": "rust", "scala": "scala", "sh": "bash",
    "sql": "sql", "swift": "swift", "toml": "toml", "ts": "typescript", "tsx": "tsx", "xml": "xml", "yaml": "yaml",
    "yml": "yaml", "cfg": "ini", "cjs": "javascript", "mts": "typescript", "zsh": "bash",
}  # fmt: skip
LANGUAGE_BY_NAME = {"dockerfile": "docker", "makefile": "make", "gemfile": "ruby", "rakefile": "ruby"}

CITATION = re.compile(r"\[((?:[^\[\]\n]|\[[^\[\]\n]{0,80}\]){1,300}?):(\d{1,7})(?:-(\d{1,7}))?\](?![(\[])")
LINK_SCHEMES = frozenset({"http", "https", "mailto"})
ATTRIBUTES = {
    "a": {"href", "title"},
    "cite": {"data-path", "data-start", "data-end"},
    "code": {"class"},
    "ol": {"start"},
    "pre": {"class", "data-language"},
    "span": {"class", "data-char"},
    "td": {"class"},
    "th": {"class"},
}
TAGS = frozenset(ATTRIBUTES).union(
    ["blockquote", "br", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "p", "s", "strong"],
    ["table", "tbody", "thead", "tr", "ul"],
)
ITEM = re.compile(r"(?:[-*+]|\d{1,9}[.)])[ \t]")


def highlight(path: str, text: str, start_line: int = 1) -> str:
    """The lines of a file as HTML, each ``<span class="line" data-line="N">`` with its newline inside.

    The language is chosen by the path. Token classes are short; colours are the page's affair.
    """
    lines = _coloured_lines(text, _language_of(path))
    return "".join(
        f'<span class="line" data-line="{n}">{line}</span>' for n, line in enumerate(lines, start_line)
    )


def render_markdown(text: str) -> str:
    """CommonMark with tables as safe HTML. Raw HTML and relative links are shown as text, images as links.

    Reference links are not known: a line ``[path:3]: word`` would be one, and vanish.

    ``[path:12-20]`` and ``[path:12]`` become ``<cite data-path data-start data-end>``. What is longer than
    ``MAX_PIECE_CHARS`` and no fence is plain text: cut it with :func:`markdown_pieces` first. So is what is nested
    deeply, in ten lists or nineteen quotations.
    """
    if len(text) > MAX_PIECE_CHARS and not _is_one_fence(text):
        return _plain(text)
    markdown = _markdown()
    env: dict[str, Any] = {}
    tokens = markdown.parse(text, env)
    if _is_too_deep(tokens, markdown.options.maxNesting):
        return _plain(text)
    return nh3.clean(
        markdown.renderer.render(tokens, markdown.options, env),
        tags=set(TAGS),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        url_schemes=set(LINK_SCHEMES),
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        attribute_filter=lambda _, name, value: None if name == "href" and not value else value,
    )


def markdown_pieces(text: str) -> Iterator[str]:
    """Cut between blocks, so that each piece renders rightly by itself and, where it can be, quickly.

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
    """Whole blocks: what is indented stays with what it belongs to; fences, and the items of a list, stand alone."""
    block, fence, is_fence, is_after_end = "", "", False, False
    for line in StringIO(text, newline=""):  # Lines as markdown-it has them: str.splitlines knows more ends.
        is_mark = FENCE.match(line) is not None
        if block and not fence and _begins_block(line, block, is_fence, is_after_end):
            yield block
            block = ""
        is_fence = is_fence if block else is_mark
        block += line
        before, fence = fence, fence_behind(line, fence)
        ends_fence = bool(before) and not fence
        is_after_end = ends_fence or (not before and not line.strip())
    if block:
        yield block


def _begins_block(line: str, block: str, is_fence: bool, is_after_end: bool) -> bool:
    if not line.strip():
        return False
    if line[0] in " \t":
        return is_fence  # It is closed here, and nothing belongs to it.
    return is_after_end or bool(FENCE.match(line)) or bool(ITEM.match(block) and ITEM.match(line))


def _is_one_fence(text: str) -> bool:
    """A fence costs little, however long it is."""
    return bool(FENCE.match(text)) and next(_blocks(text)) == text


def _plain(text: str) -> str:
    return f'<pre class="plain">{_safe(text, BIDI_IN_PROSE)}</pre>\n'


def _is_too_deep(tokens: Sequence[Token], most: int) -> bool:
    """The parser opens the deepest block that it allows, and leaves out without a word what would be in it."""
    return any(token.nesting == 1 and token.level >= most - 1 for token in tokens)


def _safe(text: str, bidi: re.Pattern[str]) -> str:
    """Escaped, and what would turn the order of the letters in secret can be seen: the page's style shows its name.

    The character itself stays in the text, for who copies it; but not where there are so many that it is no text at all.
    """
    safe = escape(text, quote=False)
    return bidi.sub("\ufffd" if len(bidi.findall(safe)) > MAX_NAMED_CHARS else _named, safe)


def _named(match: re.Match[str]) -> str:
    return f'<span class="bidi" data-char="U+{ord(match[0]):04X}">{match[0]}</span>'


def _language_of(path: str) -> str | None:
    name = PurePosixPath(path).name.lower()
    return LANGUAGE_BY_NAME.get(name) or LANGUAGE_BY_SUFFIX.get(name.rpartition(".")[2])


def _language_called(info: str) -> str | None:
    word = info.split(maxsplit=1)[0].lower() if info.strip() else ""
    return word if word in LANGUAGES else LANGUAGE_BY_SUFFIX.get(word)


def _coloured_lines(text: str, language: str | None) -> list[str]:
    if language is None or len(text) > MAX_HIGHLIGHTED_CHARS:
        return _lines(_safe(text, BIDI_IN_CODE))
    return _lines("".join(_spans(coloured(language, text))))


def _spans(pieces: Iterator[tuple[str, str]]) -> Iterator[str]:
    """Each line of a coloured piece gets a span of its own: lines are cut out of the result afterwards."""
    for kind, piece in pieces:
        safe = _safe(piece, BIDI_IN_CODE)
        if not kind:
            yield safe
            continue
        yield "\n".join(f'<span class="{kind}">{line}</span>' if line else "" for line in safe.split("\n"))


def _lines(text: str) -> list[str]:
    """Lines end at newlines only, as git and the index count them; ``str.splitlines`` knows eight more ends."""
    lines = [line + "\n" for line in text.split("\n")]
    return lines[:-1] if text.endswith("\n") or not text else lines


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    markdown.disable(["image", "reference"])
    markdown.inline.ruler.before("link", "citation", _citation_rule)
    markdown.validateLink = _is_listed_link  # type: ignore[method-assign]
    markdown.add_render_rule("text", _render_text)
    markdown.add_render_rule("code_inline", _render_code)
    markdown.add_render_rule("code_block", _render_code_block)
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
    return f"<cite{renderer.renderAttrs(token)}>{_safe(token.content, BIDI_IN_CODE)}</cite>"


def _render_text(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return _safe(tokens[index].content, BIDI_IN_PROSE)


def _render_code(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return f"<code>{_safe(tokens[index].content, BIDI_IN_CODE)}</code>"


def _render_code_block(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return f"<pre>{_render_code(renderer, tokens, index, options, env)}</pre>\n"


def _render_fence(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    language = _language_called(tokens[index].info)
    code = "".join(_coloured_lines(tokens[index].content, language))
    name = f' data-language="{language}"' if language else ""
    return f'<pre class="code"{name}><code>{code}</code></pre>\n'


def _render_cell(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """A column's alignment as a class: the page's policy allows no style attributes."""
    token = tokens[index]
    align = str(token.attrs.pop("style", "")).rpartition(":")[2]
    return f'<{token.tag} class="align-{align}">' if align else f"<{token.tag}>"
