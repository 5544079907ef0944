"""Globs over repository paths as regular expressions that Python and Postgres read alike."""

import string

WILDCARDS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def glob_expression(pattern: str) -> str:
    """What a path must match, as gitignore reads a pattern: one without a slash holds in every folder.

    ``*`` and ``?`` stay within a name, ``**`` crosses folders, a pattern that is a folder means all within it.
    """
    bare = pattern.removeprefix("./").strip("/") or "**"
    anywhere = "" if "/" in bare else "(?:.*/)?"
    return rf"\A{anywhere}{translated(bare)}(?:/.*)?\Z"


def translated(pattern: str) -> str:
    """The pattern with its wildcards translated and everything else taken literally."""
    parts, rest = [], pattern
    while rest:
        wildcard = next((mark for mark in WILDCARDS if rest.startswith(mark)), None)
        parts.append(WILDCARDS[wildcard] if wildcard else literally(rest[0]))
        rest = rest[len(wildcard or rest[0]) :]
    return "".join(parts)


def literally(character: str) -> str:
    return f"\\{character}" if character in string.punctuation else character
