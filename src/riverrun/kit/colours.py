"""Colours for code: a scanner that cannot be held up.

Pygments' lexers backtrack: two kilobytes of a hostile file kept one busy for minutes, on the event loop and with the
interpreter's lock held, so that neither a budget nor a thread helps. Here each language is one pattern whose
repetitions are all possessive (they never give back what they took), so the time is linear in the text, whatever it
says. It knows comments, strings, numbers, words and tags; for reading an excerpt that is enough. Class names are
pygments' short ones.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

HASH = r"\#[^\n]*+"
SLASHES = r"//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+(?:\*/)?+"
DASHES = r"--[^\n]*+"
MARKUP = r"<!--(?:[^-]++|-(?!->))*+(?:-->)?+"
QUOTED = r""""(?:[^"\\\n]++|\\.)*+"?+|'(?:[^'\\\n]++|\\.)*+'?+"""
TRIPLE = r'''"""(?:[^"\\]++|\\.|"(?!""))*+(?:""")?+|\'\'\'(?:[^'\\]++|\\.|'(?!\'\'))*+(?:\'\'\')?+'''
TEMPLATE = r"`(?:[^`\\]++|\\.)*+`?+"
DOUBLE_ONLY = r'"(?:[^"\\\n]++|\\.)*+"?+'
CHARACTER = r"'(?:[^'\\\n]|\\.[0-9a-fA-F]{0,4}+)'"
NUMBER = r"\d[\w.]*+"
WORD = r"[^\W\d][\w]*+"
CONSTANTS = frozenset(
    (
        "True",
        "False",
        "None",
        "true",
        "false",
        "null",
        "nil",
        "undefined",
        "self",
        "this",
        "super",
        "NULL",
        "nullptr",
    )
)
NAMING = {"def": "nf", "fn": "nf", "func": "nf", "function": "nf", "fun": "nf"} | dict.fromkeys(
    (
        "class",
        "struct",
        "interface",
        "trait",
        "enum",
        "impl",
        "type",
        "module",
        "namespace",
        "record",
        "protocol",
    ),
    "nc",
)
"""Keywords after which a name is being defined, and what the name is."""


@dataclass(frozen=True)
class Grammar:
    """What a language's comments and strings look like, and its words. ``marks`` are patterns with a class each."""

    comments: str
    strings: str
    words: str = ""
    marks: tuple[tuple[str, str], ...] = ()

    @property
    def keywords(self) -> frozenset[str]:
        return frozenset(self.words.split())


CURLY = "if else for while do switch case default break continue return try catch finally throw new in of import package"
PYTHON = Grammar(
    HASH,
    f"{TRIPLE}|{QUOTED}",
    "and as assert async await break case class continue def del elif else except finally for from global if import in "
    "is lambda match nonlocal not or pass raise return try while with yield type",
    (("nd", r"@[\w.]++"),),
)
SCRIPT = Grammar(
    SLASHES,
    f"{QUOTED}|{TEMPLATE}",
    f"{CURLY} async await class const delete export extends from function get instanceof let set static typeof var void "
    "yield abstract as declare enum implements interface keyof namespace private protected public readonly type is",
    (("nd", r"@[\w.]++"),),
)
TYPED = Grammar(
    SLASHES,
    f"{TRIPLE}|{QUOTED}",
    f"{CURLY} abstract bool boolean byte char class const double enum extends extern final float implements int interface "
    "internal let long namespace object override private protected protocol public sealed short static string struct this "
    "throws typedef unsigned using var val virtual void volatile where fun func guard when yield record readonly async "
    "await template typename operator inline constexpr explicit friend goto sizeof auto union signed delete def trait "
    "match with type given lazy implicit extension init deinit inout is as out params ref get set",
    (("nd", r"@[\w.]++"), ("cp", r"\#[ \t]*+\w++")),
)
LANGUAGES: dict[str, Grammar] = {
    "python": PYTHON,
    "javascript": SCRIPT,
    "jsx": SCRIPT,
    "typescript": SCRIPT,
    "tsx": SCRIPT,
    **dict.fromkeys(("java", "c", "cpp", "csharp", "kotlin", "scala", "swift"), TYPED),
    "go": Grammar(
        SLASHES,
        f"{DOUBLE_ONLY}|{TEMPLATE}|{CHARACTER}",
        f"{CURLY} chan const defer fallthrough func go goto interface map range select struct type var",
    ),
    "rust": Grammar(
        SLASHES,
        f"{DOUBLE_ONLY}|{CHARACTER}",
        "as async await break const continue crate dyn else enum extern fn for if impl in let loop match mod move mut pub "
        "ref return static struct trait type unsafe use where while",
        (("nd", r"\#!?+\[[^\]\n]*+\]?+"),),
    ),
    "ruby": Grammar(
        HASH,
        QUOTED,
        "alias and begin break case class def do else elsif end ensure for if in module next not or redo require rescue "
        "retry return then undef unless until when while yield attr_reader attr_accessor private protected include extend",
        (("ss", r":[^\W\d]\w*+"), ("no", r"@{1,2}+\w++")),
    ),
    "php": Grammar(
        f"{SLASHES}|{HASH}",
        QUOTED,
        f"{CURLY} abstract and array as class const echo elseif extends final fn foreach function global implements "
        "include instanceof interface namespace or private protected public require static trait use var yield",
        (("no", r"\$\w++"),),
    ),
    "lua": Grammar(
        DASHES,
        QUOTED,
        "and break do else elseif end for function goto if in local not or repeat return then until while",
    ),
    "bash": Grammar(
        HASH,
        QUOTED,
        "if then else elif fi for while until do done case esac in function return local export set unset readonly declare",
        (("no", r"\$(?:\w++|\{[^}\n]*+\}?+)"),),
    ),
    "sql": Grammar(
        f"{DASHES}|{SLASHES}",
        QUOTED,
        "select from where insert into values update set delete create table index view drop alter add column primary key "
        "foreign references not null default unique join left right inner outer full on group by order having limit offset "
        "union all distinct as and or in is exists between like case when then else end with recursive returning begin "
        "commit rollback grant revoke if",
    ),
    "protobuf": Grammar(
        SLASHES,
        QUOTED,
        "syntax package import option message enum service rpc returns repeated optional oneof map reserved stream",
    ),
    "docker": Grammar(
        HASH,
        QUOTED,
        "FROM RUN CMD LABEL EXPOSE ENV ADD COPY ENTRYPOINT VOLUME USER WORKDIR ARG ONBUILD AS",
    ),
    "make": Grammar(
        HASH, QUOTED, "ifeq ifneq ifdef endif else include define endef export", (("no", r"\$[({]\w*+"),)
    ),
    "json": Grammar(r"(?!)", DOUBLE_ONLY),
    "yaml": Grammar(HASH, QUOTED, "", (("nt", r"(?<![\w.-])[\w.-]++(?=:[ \n])"),)),
    "toml": Grammar(HASH, f"{TRIPLE}|{QUOTED}", "", (("nt", r"(?m:^)\[[^\]\n]*+\]?+"),)),
    "ini": Grammar(r"[#;][^\n]*+", QUOTED, "", (("nt", r"(?m:^)\[[^\]\n]*+\]?+"),)),
    "css": Grammar(
        r"/\*(?:[^*]++|\*(?!/))*+(?:\*/)?+",
        QUOTED,
        "",
        (("na", r"(?<![\w-])[\w-]++(?=:)"), ("k", r"@[\w-]++")),
    ),
    **dict.fromkeys(("html", "xml"), Grammar(MARKUP, QUOTED, "", (("nt", r"</?+[\w:.-]++"),))),
    "diff": Grammar(r"(?m:^)@@[^\n]*+", r"(?!)", "", (("gi", r"(?m:^)\+[^\n]*+"), ("gd", r"(?m:^)-[^\n]*+"))),
}


def coloured(language: str, text: str) -> Iterator[tuple[str, str]]:
    """``(class, piece)`` in order; the pieces joined are the text. An empty class is plain text."""
    scanner = _scanner(language)
    keywords = LANGUAGES[language].keywords
    folds = language == "sql"
    defined = ""
    end = 0
    for match in scanner.finditer(text):
        if match.start() > end:
            yield "", text[end : match.start()]
        end = match.end()
        kind, piece = str(match.lastgroup), match[0]
        if kind == "word":
            name = piece.lower() if folds else piece
            kind = _kind_of(name, keywords, defined)
            defined = NAMING.get(name, "") if kind == "k" else ""
        yield kind, piece
    if end < len(text):
        yield "", text[end:]


def _kind_of(word: str, keywords: frozenset[str], defined: str) -> str:
    if word in keywords:
        return "k"
    if word in CONSTANTS:
        return "kc"
    return defined


@lru_cache(maxsize=len(LANGUAGES))
def _scanner(language: str) -> re.Pattern[str]:
    grammar = LANGUAGES[language]
    groups = [("c", grammar.comments), ("s", grammar.strings), *grammar.marks, ("m", NUMBER), ("word", WORD)]
    return re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in groups), re.DOTALL)
