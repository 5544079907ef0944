"""Definitions and calls of one source file, found by tree-sitter."""

import re
import sys
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from tree_sitter import Node, QueryCursor

from riverrun.parsing.docstrings import comment_before, docstring_inside
from riverrun.parsing.languages import Language
from riverrun.parsing.source_text import SourceText

MAX_NAME_CHARS = 200
MAX_SIGNATURE_CHARS = 400
CONTAINERS = frozenset({"class", "interface", "struct", "enum", "trait", "scope"})
"""A function directly inside one of these is a method."""

_WHOLE_NAMES = frozenset(
    {"qualified_identifier", "qualified_name", "scoped_type_identifier", "scope_resolution", "generic_type"}
)
_QUALIFIER = re.compile(r"\s*(?:::|\.|->)\s*")
_TYPE_ARGUMENTS = re.compile(r"<(?!=>)[^<>]*(?:<[^<>]*>[^<>]*)*>")
_RECEIVER = re.compile(r"\*?\s*([^\W\d]\w*)\s*(?:\[[^]]*\])?\s*\)$")
_MULTILINE_SIGNATURES = frozenset(
    {"method_elem", "method_signature", "function_signature", "function_signature_item"}
)
_RUBY_DEFINITIONS = frozenset({"class", "module", "method", "singleton_method"})
_first = itemgetter(0)
_NAME_FIELDS = ("name", "declarator", "property", "key", "left")
_NAME_HOLDERS = frozenset(
    {"variable_declaration", "variable_declarator", "name", "function_declarator", "pointer_declarator"}
)
_WITH_A_VALUE = frozenset(
    {"variable_declarator", "pair", "assignment_expression", "field_definition", "public_field_definition"}
)
_WRAPPERS_OF_ONE = frozenset({"decorated_definition", "template_declaration"})
_UP_TO_THE_END = "file_scoped_namespace_declaration"
"""What follows it in the file is inside, though the grammar does not say so."""
_NAMELESS_OWNERS = frozenset({"this", "self", "exports", "module.exports"})


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


class FoundCall(NamedTuple):
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
    text = SourceText(source)
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
        extraction.docstring = docstring_inside(tree.root_node, text)[0]
    return extraction


class _Definition:
    """A captured node on its way to a symbol."""

    __slots__ = ("end", "is_local", "kind", "node", "qualified_name", "start")

    def __init__(self, node: Node, kind: str) -> None:
        self.node = node
        self.kind = kind
        self.start = node.start_byte
        self.end = sys.maxsize if node.type == _UP_TO_THE_END else node.end_byte
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
    definition: _Definition, parent: _Definition | None, language: Language, text: SourceText
) -> FoundSymbol:
    node = definition.node
    name = _name_of(node, text)
    outer = _outer_node(node, language)
    first = _first_attribute(outer, language)
    body = node.child_by_field_name("body")
    start_row = first.start_point.row
    docstring, docstring_lines, text_start_row = "", range(0), start_row
    if language.name == "python":
        docstring, docstring_lines = docstring_inside(body, text)
    else:
        docstring, text_start_row = comment_before(first, text)
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


def _calls(callees: list[Node], definitions: list[_Definition], text: SourceText) -> list[FoundCall]:
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


def _name_of(node: Node, text: SourceText) -> str:
    """The defined name, with its qualifiers joined by dots (``Shape::area`` is ``Shape.area``)."""
    inner: Node | None = node
    for _ in range(16):
        if inner is None or inner.child_count == 0:
            break
        following = _name_child(inner)
        if following is None:
            break
        inner = following
        if inner.type in _WHOLE_NAMES:
            break
    if inner is None or inner is node:
        return ""
    name = text.of(inner)
    if not name.isidentifier():
        name = _QUALIFIER.sub(".", _TYPE_ARGUMENTS.sub("", name).strip()).strip(".")
    return name[:MAX_NAME_CHARS]


def _name_child(node: Node) -> Node | None:
    for field in _NAME_FIELDS:
        child = node.child_by_field_name(field)
        if child is not None:
            return child
    for child in node.named_children:
        if child.type in _NAME_HOLDERS:
            return child
    return node.child_by_field_name("type")


def _receiver_of(node: Node, text: SourceText) -> str:
    """The type in front of a Go method's name, or what a function of JavaScript is assigned to (``Box.prototype``)."""
    if node.type == "method_declaration":
        receiver = node.child_by_field_name("receiver")
        found = _RECEIVER.search(text.of(receiver)) if receiver else None
        return found.group(1) if found else ""
    left = node.child_by_field_name("left") if node.type == "assignment_expression" else None
    owner = left.child_by_field_name("object") if left else None
    name = text.of(owner).removesuffix(".prototype") if owner else ""
    return name if name.isidentifier() and name not in _NAMELESS_OWNERS else ""


def _outer_node(node: Node, language: Language) -> Node:
    while language.wrappers and (parent := node.parent) is not None and parent.type in language.wrappers:
        is_its_own = parent.type in _WRAPPERS_OF_ONE or parent.child_by_field_name("declaration") == node
        if parent.named_child_count > 1 and not is_its_own:
            break
        node = parent
    return node


def _first_attribute(node: Node, language: Language) -> Node:
    if language.attributes:
        while (before := node.prev_named_sibling) is not None and before.type in language.attributes:
            node = before
    return node


def _signature_of(node: Node, body: Node | None, text: SourceText) -> str:
    """The definition up to its body, on one line; of one without a body, its first line."""
    if body is None and node.type in _WITH_A_VALUE:
        value = node.child_by_field_name("value") or node.child_by_field_name("right")
        body = value.child_by_field_name("body") if value is not None else None
    start = node.start_byte
    end = body.start_byte if body is not None else node.end_byte
    head = text.between(start, min(end, start + 4 * MAX_SIGNATURE_CHARS))
    if node.type in _RUBY_DEFINITIONS or (body is None and node.type not in _MULTILINE_SIGNATURES):
        head = head.partition("\n")[0]
    return " ".join(head.split())[:MAX_SIGNATURE_CHARS].rstrip("{:=; ")
