"""Where a growing markdown text may be cut: what lies before the cut will not change its looks any more."""

import re

FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


def closed_length(text: str) -> int:
    """The length of the leading blocks that are complete: each ends with a blank line that a new block follows.

    Lines inside a code fence and indented lines (which may belong to a list above them) never start a new block.
    """
    closed, offset, fence, after_blank = 0, 0, "", False
    for line in text.splitlines(keepends=True):
        if not fence and after_blank and not line[0].isspace():
            closed = offset
        fence = _fence_after(line, fence)
        after_blank = not line.strip()
        offset += len(line)
    return closed


def _fence_after(line: str, fence: str) -> str:
    """The fence that is open after a line, empty for none."""
    match = FENCE.match(line)
    if not match:
        return fence
    marker = match[1]
    if not fence:
        return marker
    closes = marker.startswith(fence) and not line[match.end() :].strip()
    return "" if closes else fence
