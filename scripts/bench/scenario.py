"""One kind of request, and what a right answer to it looks like."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

Shape = Callable[[Any], bool]
"""Whether an answer's decoded JSON is what it should be."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A request. An answer of another status or shape is an error, and never a latency."""

    name: str
    path: str
    shape: Shape
    method: str = "GET"
    body: bytes = b""
    status: int = 200

    def request(self, host: str, authorization: str) -> bytes:
        """As it goes over the wire."""
        head = (
            f"{self.method} {self.path} HTTP/1.1\r\nHost: {host}\r\n{authorization}"
            f"Content-Type: application/json\r\nContent-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body

    def is_answered_by(self, status: int, body: bytes) -> bool:
        """Whether an answer is right."""
        if status != self.status:
            return False
        try:
            return self.shape(orjson.loads(body))
        except (ValueError, TypeError, KeyError, AttributeError):
            return False


def has_fields(*names: str) -> Shape:
    """An object with at least these fields."""
    return lambda answer: isinstance(answer, dict) and set(names) <= answer.keys()
