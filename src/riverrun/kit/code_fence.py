"""Fences around code in Markdown, as CommonMark has them."""

import re

FENCE = re.compile(r" {0,3}(`{3,}+(?!.*`)|~{3,})(.*)")


def fence_behind(line: str, fence: str) -> str:
    """The fence that code is in behind a line, given the one before it; empty outside of code."""
    found = FENCE.match(line)
    if found is None:
        return fence
    run, rest = found.groups()
    if not fence:
        return str(run)
    closes = run.startswith(fence) and not rest.strip()
    return "" if closes else fence
