"""Positions in a run's log, as ids on the wire and as cursors that clients send back."""

from typing import NamedTuple, Self

from riverrun.streaming.errors import MalformedCursor

LARGEST = 2**53 - 1
"""Lua and JavaScript count exactly up to here."""
_DIGITS = "([0-9]{1,15}|[0-8][0-9]{15})"
FORM = f"({_DIGITS}-)?{_DIGITS}"
"""How the API's document describes a position."""


class Position(NamedTuple):
    """An event's place: attempts first, then the dense, 1-based sequence. Tuple order is stream order."""

    attempt: int
    seq: int

    def __str__(self) -> str:
        return f"{self.attempt}-{self.seq}"


START = Position(0, 0)


class Cursor(NamedTuple):
    """The last event a client has: exclusive. A bare number names a seq of whatever attempt."""

    attempt: int | None
    seq: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``0-0``, ``N`` or ``<attempt>-<seq>``.

        Raises:
            MalformedCursor: anything else, signs, spaces and numbers over 2^53 included.
        """
        head, dash, tail = text.partition("-")
        if dash:
            return cls(_number(head, text), _number(tail, text))
        return cls(None, _number(head, text))


def _number(digits: str, whole: str) -> int:
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 16) or int(digits) > LARGEST:
        raise MalformedCursor(f"{whole[:80]!r} is no position; send 0-0, a number, or <attempt>-<seq>")
    return int(digits)
