"""Globs over repository paths as regular expressions that Python and Postgres read alike."""

import re
import string

WILDCARDS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
MAX_CHARS = 512
MAX_CROSSINGS = 16
"""As many ``**`` a pattern may have. Postgres follows all of them at once, for each character of each path."""
NOTHING = r"\Z."


def glob_expression(pattern: str) -> str:
    """What a path must match, as gitignore reads a pattern: one without a slash holds in every folder.

    ``*`` and ``?`` stay within a name, ``**`` crosses folders, a pattern that is a folder means all within it. One that
    is too long, or crosses folders too often, matches nothing.
    """
    bare = simplified(pattern).removeprefix("./").strip("/") or "**"
    if len(bare) > MAX_CHARS or bare.count("**") > MAX_CROSSINGS:
        return NOTHING
    anywhere = "" if "/" in bare else "(?:.*/)?"
    return rf"\A{anywhere}{translated(bare)}(?:/.*)?\Z"


def simplified(pattern: str) -> str:
    """The pattern with ``**`` for any longer run of stars, and once where it follows itself."""
    return re.sub(r"(?:\*\*/){2,}", "**/", re.sub(r"\*{3,}", "**", pattern))


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
