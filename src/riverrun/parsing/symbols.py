"""Definitions and calls of one source file, found by tree-sitter."""

import inspect
import re
from dataclasses import dataclass
from operator import itemgetter

from tree_sitter import Node, QueryCursor

from riverrun.parsing.languages import Language

MAX_NAME_CHARS = 200
MAX_SIGNATURE_CHARS = 400
MAX_DOCSTRING_CHARS = 4_000
CONTAINERS = frozenset({"class", "interface", "struct", "enum", "trait", "scope"})
"""A function directly inside one of these is a method."""

_COMMENT_MARKS = re.compile(r"^\s*(?:/\*+!?|\*+/|\*(?!\*)|//[/!]?|#+|--)?[ \t]?|\s*\*+/\s*$", re.MULTILINE)
_QUALIFIER = re.compile(r"\s*(?:::|\.|->)\s*")
_RECEIVER = re.compile(r"\*?\s*([^\W\d]\w*)\s*(?:\[[^]]*\])?\s*\)$")
_MULTILINE_SIGNATURES = frozenset(
    {"method_elem", "method_signature", "function_signature", "function_signature_item"}
)
_first = itemgetter(0)
_NAME_FIELDS = ("name", "declarator", "property", "key", "left", "type")


@dataclass(slots=True)
class FoundSymbol:
    """A definition. Lines are 1-based and inclusive and take in decorators and attributes.

    ``text_start_line`` is where its leading comment begins, else ``start_line``; ``docstring_lines`` are the lines
    of a docstring inside the body, end exclusive, else empty.
    """

    name: str
    qualified_name: str
    kind: str
    start_line: int
    end_line: int
    signature: str
    docstring: str
    text_start_line: int
    docstring_lines: range
    is_local: bool
    """Whether it lies inside a function: found by name, but no piece of its own for search."""


@dataclass(frozen=True, slots=True)
class FoundCall:
    """``name`` is called at ``line``, inside the definition ``caller`` (empty at module level)."""

    name: str
    caller: str
    line: int


@dataclass(slots=True)
class Extraction:
    """What one file defines, in the order of its text, and what it calls: each pair of caller and name once."""

    symbols: list[FoundSymbol]
    calls: list[FoundCall]
    docstring: str = ""
    """What the file says of itself before its first definition (Python)."""


def extract(language: Language, source: bytes) -> Extraction:
    """Parse a file. Broken code gives what the grammar could still make out; nothing is raised for it."""
    tree = language.parser.parse(source)
    text = _SourceText(source)
    captures = QueryCursor(language.query).captures(tree.root_node)
    callees = captures.pop("call", [])
    open_symbols = _Nesting(_outermost_first(captures))
    extraction = Extraction([], [])
    for definition in open_symbols.definitions:
        parent = open_symbols.enter(definition)
        symbol = _describe(definition, parent, language, text)
        definition.qualified_name = symbol.qualified_name
        if definition.kind != "scope" and symbol.name:
            extraction.symbols.append(symbol)
    extraction.calls = _calls(callees, open_symbols.definitions, text)
    if language.name == "python":
        extraction.docstring = _docstring_inside(tree.root_node, text)[0]
    return extraction


class _Definition:
    """A captured node on its way to a symbol."""

    __slots__ = ("end", "is_local", "kind", "node", "qualified_name", "start")

    def __init__(self, node: Node, kind: str) -> None:
        self.node = node
        self.kind = kind
        self.start = node.start_byte
        self.end = node.end_byte
        self.qualified_name = ""
        self.is_local = False


class _Nesting:
    """Walks definitions in text order and knows which ones enclose the present one."""

    def __init__(self, definitions: list[_Definition]) -> None:
        self.definitions = definitions
        self._open: list[_Definition] = []

    def enter(self, definition: _Definition) -> _Definition | None:
        while self._open and self._open[-1].end <= definition.start:
            self._open.pop()
        parent = self._open[-1] if self._open else None
        if parent:
            definition.is_local = parent.is_local or parent.kind in ("function", "method", "constant")
            if definition.kind == "function" and parent.kind in CONTAINERS:
                definition.kind = "method"
        self._open.append(definition)
        return parent


def _outermost_first(captures: dict[str, list[Node]]) -> list[_Definition]:
    found: dict[int, _Definition] = {}
    for kind in sorted(captures, key=lambda kind: kind == "constant"):
        if not kind.startswith("_"):
            for node in captures[kind]:
                found.setdefault(node.id, _Definition(node, kind))
    return sorted(found.values(), key=lambda definition: (definition.start, -definition.end))


def _describe(
    definition: _Definition, parent: _Definition | None, language: Language, text: "_SourceText"
) -> FoundSymbol:
    node = definition.node
    name = _name_of(node, text)
    outer = _outer_node(node, language)
    first = _first_attribute(outer, language)
    body = node.child_by_field_name("body")
    start_row = first.start_point.row
    docstring, docstring_lines, text_start_row = "", range(0), start_row
    if language.name == "python":
        docstring, docstring_lines = _docstring_inside(body, text)
    else:
        docstring, text_start_row = _comment_before(first, text)
    prefix = parent.qualified_name if parent else _receiver_of(node, text)
    end_row, end_column = outer.end_point
    if end_column == 0 and end_row > start_row:
        end_row -= 1
    return FoundSymbol(
        name=name.rpartition(".")[2],
        qualified_name=f"{prefix}.{name}" if prefix and name else prefix or name,
        kind=definition.kind,
        start_line=start_row + 1,
        end_line=end_row + 1,
        signature=_signature_of(node, body, text),
        docstring=docstring,
        text_start_line=text_start_row + 1,
        docstring_lines=docstring_lines,
        is_local=definition.is_local,
    )


def _calls(callees: list[Node], definitions: list[_Definition], text: "_SourceText") -> list[FoundCall]:
    nesting: list[_Definition] = []
    following = iter(definitions)
    upcoming = next(following, None)
    found: dict[tuple[str, str], FoundCall] = {}
    for start, callee in sorted([(node.start_byte, node) for node in callees], key=_first):
        while upcoming and upcoming.start <= start:
            nesting.append(upcoming)
            upcoming = next(following, None)
        while nesting and nesting[-1].end <= start:
            nesting.pop()
        caller = nesting[-1].qualified_name if nesting else ""
        name = text.of(callee)
        if (caller, name) not in found:
            found[caller, name] = FoundCall(name[:MAX_NAME_CHARS], caller, callee.start_point.row + 1)
    return list(found.values())


def _name_of(node: Node, text: "_SourceText") -> str:
    """The defined name, with its qualifiers joined by dots (``Shape::area`` is ``Shape.area``)."""
    inner: Node | None = node
    for _ in range(16):
        if inner is None or inner.child_count == 0:
            break
        following = _name_child(inner)
        if following is None:
            break
        inner = following
        if inner.type in ("qualified_identifier", "scoped_type_identifier", "generic_type"):
            break
    if inner is None or inner is node:
        return ""
    name = text.of(inner)
    if not name.isidentifier():
        name = _QUALIFIER.sub(".", name.partition("<")[0].strip()).strip(".")
    return name[:MAX_NAME_CHARS]


def _name_child(node: Node) -> Node | None:
    for field in _NAME_FIELDS:
        child = node.child_by_field_name(field)
        if child is not None:
            return child
    for child in node.named_children:
        if child.type in ("variable_declaration", "variable_declarator", "name", "function_declarator"):
            return child
    return None


def _receiver_of(node: Node, text: "_SourceText") -> str:
    """The type in front of a Go method's name."""
    receiver = node.child_by_field_name("receiver") if node.type == "method_declaration" else None
    found = _RECEIVER.search(text.of(receiver)) if receiver else None
    return found.group(1) if found else ""


def _outer_node(node: Node, language: Language) -> Node:
    while language.wrappers and (parent := node.parent) is not None and parent.type in language.wrappers:
        if parent.named_child_count > 1 and parent.type not in (
            "decorated_definition",
            "template_declaration",
        ):
            break
        node = parent
    return node


def _first_attribute(node: Node, language: Language) -> Node:
    if language.attributes:
        while (before := node.prev_named_sibling) is not None and before.type in language.attributes:
            node = before
    return node


def _comment_before(node: Node, text: "_SourceText") -> tuple[str, int]:
    """The comment that ends on the line above a node, and the row where the two begin."""
    comments: list[str] = []
    row = node.start_point.row
    while (before := node.prev_named_sibling) is not None and "comment" in before.type:
        end_row = before.end_point.row - (before.end_point.column == 0)
        if end_row < row - 1 or before.start_point.row >= row:
            break
        comments.append(text.of(before))
        node, row = before, before.start_point.row
    comment = _COMMENT_MARKS.sub("", "\n".join(reversed(comments)))
    return inspect.cleandoc(comment)[:MAX_DOCSTRING_CHARS].strip(), row


def _docstring_inside(body: Node | None, text: "_SourceText") -> tuple[str, range]:
    """A Python docstring, and the lines that hold it."""
    first = _first_child(body)
    while first is not None and first.type == "comment":
        first = first.next_named_sibling
    string = _first_child(first) if first is not None and first.type == "expression_statement" else None
    if string is None or string.type != "string":
        return "", range(0)
    docstring = text.of(string).lstrip("rRuUbB").strip("\"'")
    lines = range(string.start_point.row + 1, string.end_point.row + 2)
    return inspect.cleandoc(docstring)[:MAX_DOCSTRING_CHARS].strip(), lines


def _first_child(node: Node | None) -> Node | None:
    return node.named_child(0) if node is not None and node.named_child_count else None


def _signature_of(node: Node, body: Node | None, text: "_SourceText") -> str:
    """The definition up to its body, on one line; of one without a body, its first line."""
    if body is None and node.type in ("variable_declarator", "pair", "assignment_expression"):
        value = node.child_by_field_name("value") or node.child_by_field_name("right")
        body = value.child_by_field_name("body") if value is not None else None
    start = node.start_byte
    end = body.start_byte if body is not None else node.end_byte
    head = text.between(start, min(end, start + 4 * MAX_SIGNATURE_CHARS))
    if body is None and node.type not in _MULTILINE_SIGNATURES:
        head = head.partition("\n")[0]
    return " ".join(head.split())[:MAX_SIGNATURE_CHARS].rstrip("{:= ")


class _SourceText:
    """Parts of the source by tree-sitter's byte offsets, which in most files are offsets of characters as well."""

    __slots__ = ("_ascii", "_source")

    def __init__(self, source: bytes) -> None:
        self._source = source
        self._ascii = source.decode("ascii") if source.isascii() else None

    def between(self, start: int, end: int) -> str:
        if self._ascii is not None:
            return self._ascii[start:end]
        return self._source[start:end].decode("utf-8", "replace")

    def of(self, node: Node) -> str:
        return self.between(node.start_byte, node.end_byte)
