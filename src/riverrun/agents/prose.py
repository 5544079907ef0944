"""Documentation from source files as safe, short Markdown prose."""

import re
from collections.abc import Sequence

_NO_PROSE = re.compile(
    r"#|<|!\[|\[!|\[[^]]*\]:|\||[-*+]\s|\d+\.\s|>|\.\. |[=~-]{3}|.*\n[=~-]{3,}\s*(?:\n|$)| {4}"
)
_LONGEST_SUMMARY = 300
_SENTENCE_END = re.compile(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)(?<!etc\.)\s+(?=[A-Z0-9`*\"'(])")
_COMMENT_MARK = re.compile(r"^\s*(?:/\*\*?|\*/|\*(?=\s|$)|///?|//!|#!?(?=\s)|;;)\s?|\s*\*/\s*$", re.M)
_ROLE = re.compile(r":[a-z:]+:`~?([^`<]+?)(?:\s*<[^`]*>)?`")
_CODE_SPAN = re.compile(r"(`[^`]*`)")
_MARKED_NAME = re.compile(r"(?<![\w*`])(\*{1,2}[A-Za-z_]\w*|__\w+__)(?![\w*`])")


def first_sentences(docstring: str, most: int = 2) -> str:
    """The beginning of the first paragraph on one line; empty when the documentation says nothing."""
    paragraph = re.split(r"\n\s*\n", _COMMENT_MARK.sub("", docstring).strip(), maxsplit=1)[0]
    sentences = _SENTENCE_END.split(" ".join(paragraph.split()))[:most]
    while len(sentences) > 1 and len(" ".join(sentences)) > _LONGEST_SUMMARY:
        sentences.pop()
    return _as_markdown(_shortened(" ".join(sentences)))


def introduction(readme: str, most: int = 3) -> list[str]:
    """The first paragraphs of a README that are prose: no headings, badges, tables, lists, markup or code."""
    without_code = re.sub(r"^(```|~~~).*?^\1\S*$", "", readme, flags=re.S | re.M)
    paragraphs = [block.strip() for block in re.split(r"\n\s*\n", without_code)]
    prose = [block for block in paragraphs if block and not _NO_PROSE.match(block)]
    return [_as_markdown(_shortened(" ".join(block.split()))) for block in prose[:most]]


def code_span(text: str) -> str:
    """The text as inline code, whatever backticks it holds."""
    if "`" not in text:
        return f"`{text}`"
    fence = "`" * (1 + max(len(run) for run in re.findall(r"`+", text)))
    return f"{fence} {text} {fence}"


def listed(items: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *first, last = items
    return f"{', '.join(first)} and {last}" if first else last


def _as_markdown(text: str) -> str:
    """Roles and doubled backticks of reStructuredText become code; names are kept from being emphasis."""
    plain = _ROLE.sub(r"`\1`", text).replace("``", "`")
    if plain.count("`") % 2:
        plain = plain.replace("`", "")
    parts = _CODE_SPAN.split(plain)
    return "".join(part if part.startswith("`") else _MARKED_NAME.sub(r"`\1`", part) for part in parts)


def _shortened(text: str) -> str:
    if len(text) <= _LONGEST_SUMMARY:
        return text
    return text[:_LONGEST_SUMMARY].rsplit(" ", 1)[0].rstrip(",;:") + " …"
