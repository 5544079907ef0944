"""Names of code in a question: spelled like code, or plain words that stand where a name stands."""

import re

from riverrun.agents.question_terms import is_meaningless, terms

_IDENTIFIER = re.compile(
    r"`([\w.:#]{2,80})(?:\(\))?`|\b([A-Za-z_][\w]*(?:\.#?[A-Za-z_]\w*)+|[A-Za-z_]\w*)\b(\(\))?"
)
_DOMAINS = (".com", ".org", ".net", ".io", ".dev")
_MOST_NAMES = 2
_LONGEST_INTRODUCTION = 300
_MOST_OTHER_TERMS = 1

_NAME = r"(?:an?\s+|the\s+)?([A-Za-z_]\w{1,79})"
_ENDS = (
    r"(?=\s*(?:$|[?.!,;:(]|(?:do|does|for|in|used|called|defined|implemented|declared|works?|returns?)\b))"
)
_KINDS = (
    "class|struct|interface|trait|enum|type|function|method|constant|module|component|hook|macro|decorator"
)
_RELATIONS = r"calls?|uses?|invokes?|inherits?\s+from|extends?|implements?"
_INTRODUCED = re.compile(
    rf"\b(?:{_KINDS})\s+{_NAME}{_ENDS}"
    rf"|\b(?:who|what|which(?:\s+\w+)?)\s+(?:{_RELATIONS})\s+{_NAME}{_ENDS}"
    rf"|\b(?:what|where)\s+(?:is|are|does)\s+{_NAME}{_ENDS}"
    rf"|^\s*(?:and|what\s+about|how\s+about)\s+{_NAME}\s*[?.!]?\s*$"
    r"|^\s*([A-Za-z_]\w{1,79})\s*[?.!]?\s*$",
    re.IGNORECASE,
)


def identifiers(text: str) -> list[str]:
    """Names of code that the text mentions: in backticks, dotted, with an underscore, a hump or ``()``.

    If there are none, a plain word that is asked for like a name: ``who calls send?``. Only the index knows whether it is one.
    """
    return (_spelled_names(text) or _introduced_names(text))[:_MOST_NAMES]


def _spelled_names(text: str) -> list[str]:
    names = []
    for match in _IDENTIFIER.finditer(text):
        quoted, bare, called = match.groups()
        name = quoted or bare
        if quoted or called or _looks_like_code(name):
            names.append(name)
    return list(dict.fromkeys(names))


def _introduced_names(text: str) -> list[str]:
    """Plain words in the place of a name, where the text says next to nothing else."""
    if len(text) > _LONGEST_INTRODUCTION:
        return []
    said = set(terms(text))
    matches = [
        match
        for match in _INTRODUCED.finditer(text)
        if len(said.difference(terms(match[0]))) <= _MOST_OTHER_TERMS
    ]
    names = dict.fromkeys(match[match.lastindex or 0] for match in matches)
    return [name for name in names if not is_meaningless(name)]


def _looks_like_code(name: str) -> bool:
    """``e.g`` and ``GitHub.com`` are prose."""
    if "." in name:
        return not name.lower().endswith(_DOMAINS) and any(len(part) > 1 for part in name.split("."))
    return "_" in name.strip("_") or name.startswith("__") or re.search(r"[a-z0-9][A-Z]", name) is not None
