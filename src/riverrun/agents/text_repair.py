"""Text of models and repositories, made fit for UTF-8, JSON in Postgres and a terminal."""

import math
import re

# C0 and C1 controls but tab, line feed and carriage return: Postgres refuses NUL, terminals obey the others.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_HIGH_SURROGATES = ("\ud800", "\udbff")
_INTEGERS = range(-(2**63), 2**64)
_DEEPEST = 200
"""Of lists and objects in each other. orjson takes 254, and a snapshot puts some around them."""
TOO_DEEP = "…"
"""In place of what lies deeper."""


def repair(text: str) -> str:
    """The text without control characters, surrogate pairs joined, lone surrogates as U+FFFD."""
    if text.isascii() and text.isprintable():
        return text
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _CONTROL.sub("", joined)


def repair_value(value: object, *, depth: int = 0) -> object:
    """The same for every string of a JSON value, keys included. Numbers that JSON, or orjson, has no room for become text."""
    if isinstance(value, str):
        return repair(value)
    if isinstance(value, dict | list | tuple) and depth == _DEEPEST:
        return TOO_DEEP
    if isinstance(value, dict):
        return {repair(str(key)): repair_value(item, depth=depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [repair_value(item, depth=depth + 1) for item in value]
    if isinstance(value, int):
        return value if value in _INTEGERS else str(value)
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


class StreamRepair:
    """:func:`repair` for chunks: a surrogate pair cut in two is joined again."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, chunk: str) -> str:
        """The repaired text, without a trailing half that the next chunk may complete."""
        text = self._held + chunk
        self._held = ""
        if text and _HIGH_SURROGATES[0] <= text[-1] <= _HIGH_SURROGATES[1]:
            text, self._held = text[:-1], text[-1]
        return repair(text)

    def flush(self) -> str:
        """What was held back, as the text ends here."""
        held, self._held = self._held, ""
        return repair(held)


def split_bytes(text: str, limit: int) -> list[str]:
    """The text in pieces of at most ``limit`` bytes of UTF-8, no character cut."""
    if len(text) * 4 <= limit:
        return [text]
    encoded = text.encode()
    pieces = []
    start = 0
    while start < len(encoded):
        end = min(start + limit, len(encoded))
        while end < len(encoded) and encoded[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(encoded[start:end].decode())
        start = end
    return pieces
