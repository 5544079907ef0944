"""The languages that are parsed, and how a path tells its language."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import cast

from tree_sitter import Language as Grammar
from tree_sitter import Parser, Query

from riverrun.parsing import queries


@dataclass(frozen=True)
class Language:
    """A grammar with its queries; module and query are loaded when the first file needs them.

    ``wrappers`` are nodes around one definition that belong to its range (a decorated definition, an export);
    ``attributes`` are siblings before it that do (a Rust attribute).
    """

    name: str
    grammar_module: str
    query_text: str
    grammar_function: str = "language"
    wrappers: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()

    @cached_property
    def grammar(self) -> Grammar:
        load = cast(Callable[[], object], getattr(import_module(self.grammar_module), self.grammar_function))
        return Grammar(load())

    @cached_property
    def parser(self) -> Parser:
        return Parser(self.grammar)

    @cached_property
    def query(self) -> Query:
        return Query(self.grammar, self.query_text)


_EXPORTS = frozenset(
    {"export_statement", "lexical_declaration", "variable_declaration", "expression_statement"}
)
_TYPESCRIPT_WRAPPERS = _EXPORTS | {"ambient_declaration"}

_LANGUAGES = (
    Language("python", "tree_sitter_python", queries.PYTHON, wrappers=frozenset({"decorated_definition"})),
    Language(
        "javascript",
        "tree_sitter_javascript",
        queries.JAVASCRIPT,
        wrappers=_EXPORTS,
        attributes=frozenset({"decorator"}),
    ),
    Language(
        "typescript",
        "tree_sitter_typescript",
        queries.TYPESCRIPT,
        "language_typescript",
        wrappers=_TYPESCRIPT_WRAPPERS,
        attributes=frozenset({"decorator"}),
    ),
    Language(
        "tsx",
        "tree_sitter_typescript",
        queries.TSX,
        "language_tsx",
        wrappers=_TYPESCRIPT_WRAPPERS,
        attributes=frozenset({"decorator"}),
    ),
    Language(
        "go",
        "tree_sitter_go",
        queries.GO,
        wrappers=frozenset({"type_declaration", "const_declaration", "var_declaration"}),
    ),
    Language("rust", "tree_sitter_rust", queries.RUST, attributes=frozenset({"attribute_item"})),
    Language("java", "tree_sitter_java", queries.JAVA),
    Language("c", "tree_sitter_c", queries.C),
    Language("cpp", "tree_sitter_cpp", queries.CPP, wrappers=frozenset({"template_declaration"})),
    Language("ruby", "tree_sitter_ruby", queries.RUBY),
    Language(
        "php", "tree_sitter_php", queries.PHP, "language_php", wrappers=frozenset({"const_declaration"})
    ),
    Language("csharp", "tree_sitter_c_sharp", queries.CSHARP),
)

LANGUAGES = {language.name: language for language in _LANGUAGES}

_SUFFIXES = {
    "python": "py pyi pyw",
    "javascript": "js mjs cjs jsx",
    "typescript": "ts mts cts",
    "tsx": "tsx",
    "go": "go",
    "rust": "rs",
    "java": "java",
    "c": "c h",
    "cpp": "cc cpp cxx c++ hh hpp hxx h++ ipp inl cu cuh",
    "ruby": "rb rake gemspec ru",
    "php": "php phtml",
    "csharp": "cs csx",
    "markdown": "md markdown mdx",
    "restructuredtext": "rst",
    "toml": "toml",
    "yaml": "yaml yml",
    "json": "json jsonc json5",
    "xml": "xml xsd xsl",
    "html": "html htm vue svelte jinja j2",
    "css": "css scss sass less",
    "sql": "sql",
    "shell": "sh bash zsh fish",
    "protobuf": "proto",
    "kotlin": "kt kts",
    "swift": "swift",
    "scala": "scala",
    "lua": "lua",
    "elixir": "ex exs",
    "ini": "ini cfg conf properties",
}
_LANGUAGE_OF_SUFFIX = {suffix: name for name, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
_LANGUAGE_OF_FILE = {
    "Makefile": "make",
    "GNUmakefile": "make",
    "Dockerfile": "dockerfile",
    "Rakefile": "ruby",
    "Gemfile": "ruby",
}


_OF_CPP_ALONE = re.compile(
    rb"^[ \t]*(?:class[ \t]+(?:[A-Z_][A-Z\d_]*[ \t]+)?\w+(?:[ \t]+final)?\s*[:{]|namespace(?:[ \t]+[\w:]+)?\s*\{"
    rb"|template[ \t]*<|using[ \t]+(?:namespace\b|\w+[ \t]*=)|(?:public|private|protected)[ \t]*:)",
    re.MULTILINE,
)
"""Lines that begin so."""


def language_of(path: str) -> str | None:
    """The language of a path by its name alone; none means plain text. Only those in ``LANGUAGES`` are parsed."""
    name = path.rpartition("/")[2]
    suffix = name.rpartition(".")[2].lower() if "." in name else ""
    return _LANGUAGE_OF_FILE.get(name) or _LANGUAGE_OF_SUFFIX.get(suffix)


def language_in(path: str, content: bytes) -> str | None:
    """The language of a file by its name, and where that leaves it open by what is in it: C++ has headers called ``.h``, too."""
    language = language_of(path)
    if language == "c" and path.lower().endswith(".h") and _OF_CPP_ALONE.search(content):
        return "cpp"
    return language
