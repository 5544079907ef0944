"""What code says of itself: Python's docstrings, and the comments above definitions everywhere else."""

import inspect
import re

from tree_sitter import Node

from riverrun.parsing.source_text import SourceText

MAX_DOCSTRING_CHARS = 4_000

_COMMENT_MARKS = re.compile(
    r"^[ \t]*(?:/\*+!?|\*+/|\*(?!\*)|//[/!]?|#+|--)?[ \t]?|[ \t]*\*+/[ \t]*$", re.MULTILINE
)
_OF_THE_WHOLE_FILE = ("//!", "/*!", "#!")
_XML_TAG = re.compile(
    r"</?(?:summary|remarks|param|typeparam|returns|value|exception|see|seealso|para|c|code|example)\b[^<>\n]*>"
)


def docstring_inside(body: Node | None, text: SourceText) -> tuple[str, range]:
    """A Python docstring, and the lines that hold it."""
    first = _first_child(body)
    while first is not None and first.type == "comment":
        first = first.next_named_sibling
    string = _first_child(first) if first is not None and first.type == "expression_statement" else None
    if string is None or string.type != "string":
        return "", range(0)
    docstring = text.of(string).lstrip("rRuUbB").strip("\"'")
    lines = range(string.start_point.row + 1, string.end_point.row + 2)
    if "\n" in docstring:
        docstring = inspect.cleandoc(docstring)
    return docstring[:MAX_DOCSTRING_CHARS].strip(), lines


def comment_before(node: Node, text: SourceText) -> tuple[str, int]:
    """The comment that ends on the line above a node, and the row where the two begin."""
    comments: list[str] = []
    chars, row = 0, node.start_point.row
    before = _previous(node)
    while before is not None and "comment" in before.type and chars < MAX_DOCSTRING_CHARS:
        # Some grammars count the line feed to the comment.
        comment = text.of(before)[:MAX_DOCSTRING_CHARS].rstrip("\r\n")
        if (
            _last_row(before) < row - 1
            or before.start_point.row >= row
            or _is_of_something_else(before, comment)
        ):
            break
        comments.append(comment)
        chars, row = chars + len(comment), before.start_point.row
        before = before.prev_named_sibling
    joined = _COMMENT_MARKS.sub("", "\n".join(reversed(comments)))
    return inspect.cleandoc(_XML_TAG.sub("", joined))[:MAX_DOCSTRING_CHARS].strip(), row


def _previous(node: Node) -> Node | None:
    """The sibling before; in Ruby the comment above a class's first method stands before the body that holds it."""
    before, parent = node.prev_named_sibling, node.parent
    if before is None and parent is not None and parent.type == "body_statement":
        return parent.prev_named_sibling
    return before


def _is_of_something_else(comment: Node, text: str) -> bool:
    """Whether a comment speaks of the whole file, or stands behind code of its own line."""
    before = comment.prev_named_sibling
    return text.startswith(_OF_THE_WHOLE_FILE) or (
        before is not None and "comment" not in before.type and _last_row(before) == comment.start_point.row
    )


def _last_row(node: Node) -> int:
    # As above: the comment may end where the next line begins.
    row, column = node.end_point
    return row - 1 if column == 0 else row


def _first_child(node: Node | None) -> Node | None:
    return node.named_child(0) if node is not None and node.named_child_count else None
