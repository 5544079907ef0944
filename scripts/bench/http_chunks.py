"""The body of an answer with ``Transfer-Encoding: chunked`` (RFC 9112, 7.1)."""

import re

SIZE = re.compile(rb"([0-9a-fA-F]+)[ \t]*(?:;.*)?", re.DOTALL)
"""A chunk's first line: how long it is, and extensions, which say nothing to us."""
LINE_END = b"\r\n"


class Chunks:
    """Put together from what comes, wherever it was cut."""

    def __init__(self) -> None:
        self.body = bytearray()
        self._rest = bytearray()
        self._are_trailers = False

    def feed(self, data: bytes) -> bool:
        """Whether the body is whole with this.

        Raises:
            ValueError: these are no chunks.
        """
        self._rest += data
        while (line_end := self._rest.find(LINE_END)) >= 0:
            if self._are_trailers:
                del self._rest[: line_end + 2]
                if line_end == 0:
                    return True
            elif not self._take_chunk(line_end):
                return False
        return False

    def _take_chunk(self, line_end: int) -> bool:
        """Whether it has come to its end. After one of no length there are only trailers, and an empty line."""
        line = bytes(self._rest[:line_end])
        if (told := SIZE.fullmatch(line)) is None:
            raise ValueError(f"no size of a chunk: {line[:40]!r}")
        size, begin = int(told[1], 16), line_end + 2
        if size == 0:
            self._are_trailers = True
            del self._rest[:begin]
            return True
        end = begin + size
        if len(self._rest) < end + 2:
            return False
        if self._rest[end : end + 2] != LINE_END:
            raise ValueError(f"a chunk is longer than its size, {size}")
        self.body += self._rest[begin:end]
        del self._rest[: end + 2]
        return True
