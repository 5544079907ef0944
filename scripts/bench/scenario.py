"""One kind of request, and what a right answer to it looks like."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

EACH = "{each}"
"""Stands in a path or body for a word that is another in each request."""
END_OF_STREAM = b"\nevent: end\ndata: "

Shape = Callable[[Any], bool]
"""Whether an answer's decoded JSON is what it should be; of an answer without a body it is given None."""
Words = Callable[[int], Sequence[str]]
"""So many new words for ``EACH``; called before the clock runs."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A request. An answer of another status or shape is an error, and never a latency."""

    name: str
    path: str
    shape: Shape
    method: str = "GET"
    body: bytes = b""
    status: int = 200
    each: Words | None = None
    is_stream: bool = False
    """Whether it is answered by events, read to their end: the shape is that of the last one's data."""
    most_at_once: int | None = None
    """Above this, requests only wait for each other: higher levels are not played."""

    def levels(self, wanted: Sequence[int]) -> Sequence[int]:
        """Those of the wanted numbers of requests at once that make sense here, in order."""
        most = self.most_at_once or max(wanted)
        return sorted({min(level, most) for level in wanted})

    def requests(self, count: int, host: str, authorization: str) -> list[bytes]:
        """So many, as they go over the wire."""
        words = self.each(count) if self.each else [""] * count
        return [self._request(word, host, authorization) for word in words]

    def _request(self, word: str, host: str, authorization: str) -> bytes:
        path = self.path.replace(EACH, word)
        body = self.body.replace(EACH.encode(), word.encode())
        head = (
            f"{self.method} {path} HTTP/1.1\r\nHost: {host}\r\n{authorization}"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def is_answered_by(self, status: int, body: bytes) -> bool:
        """Whether an answer is right."""
        if status != self.status:
            return False
        if self.is_stream:
            body = body.rpartition(END_OF_STREAM)[2].partition(b"\n")[0]
        try:
            return self.shape(orjson.loads(body) if body else None)
        except (ValueError, TypeError, LookupError, AttributeError):
            return False


def has_fields(*names: str) -> Shape:
    """An object with at least these fields."""
    return lambda answer: isinstance(answer, dict) and set(names) <= answer.keys()
