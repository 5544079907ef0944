"""Documentation from source files as safe, short Markdown prose."""

import re
from collections.abc import Sequence
from itertools import accumulate

_LONGEST_SUMMARY = 300
_SENTENCE_END = re.compile(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)(?<!etc\.)\s+(?=[A-Z0-9`*\"'(])")
_COMMENT_MARK = re.compile(r"^\s*(?:/\*\*?|\*/|\*(?=\s|$)|///?|//!|#!?(?=\s)|;;)\s?|\s*\*/\s*$", re.M)
_TAG = re.compile(r"^[ \t]*(?:@[a-z]|:(?:param|returns?|rtype|raises)\b|\{@inheritDoc\})", re.M | re.I)
"""Where documentation turns from prose to lists for machines."""
_ROLE = re.compile(r":[a-z:]+:`~?([^`<]+?)(?:\s*<[^`]*>)?`")
_CODE_SPAN = re.compile(r"(`[^`]*`)")
_MARKED_NAME = re.compile(r"(?<![\w*`])(\*{1,2}[A-Za-z_]\w*|__\w+__)(?![\w*`])")


def first_sentences(docstring: str, most: int = 2) -> str:
    """The beginning of the first paragraph on one line, without tags; empty when the documentation says nothing."""
    prose = _TAG.split(_COMMENT_MARK.sub("", docstring).strip(), maxsplit=1)[0].strip()
    paragraph = re.split(r"\n\s*\n", prose, maxsplit=1)[0]
    return _sentences(" ".join(paragraph.split()), most)


def whole_sentences(text: str) -> str:
    """As many whole sentences of a paragraph as are short enough together; the beginning of the first, if that is not."""
    return _sentences(text, most=len(text))


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


def _sentences(text: str, most: int) -> str:
    sentences = _SENTENCE_END.split(text)[:most]
    lengths = accumulate(len(sentence) + 1 for sentence in sentences)
    short_enough = sum(length - 1 <= _LONGEST_SUMMARY for length in lengths)
    return _as_markdown(_shortened(" ".join(sentences[: max(1, short_enough)])))


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
