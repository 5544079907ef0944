"""Server-sent events, read from bytes as they come off a socket."""

import codecs
from dataclasses import dataclass

MAX_FRAME_CHARS = 4 * 1024 * 1024


class SseFormatError(ValueError):
    """The bytes are no event stream: broken UTF-8, or a frame without an end."""


@dataclass(frozen=True, slots=True)
class SseFrame:
    """One dispatched event. ``id`` is the last id seen, so a frame without one of its own repeats it."""

    event: str
    data: str
    id: str


class SseReader:
    """Incremental: feed it any slices of the stream, in order; it keeps what is incomplete.

    ``last_id`` is the position to reconnect with, empty before the first id. ``retry_seconds`` is the pause that
    the server asks for, none until it does.
    """

    def __init__(self) -> None:
        self.last_id = ""
        self.retry_seconds: float | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("strict")
        self._rest = ""
        self._ended_on_carriage_return = False
        self._event = ""
        self._data: list[str] = []
        self._data_chars = 0
        self._pending_id = ""

    def feed(self, data: bytes) -> list[SseFrame]:
        """The events that these bytes complete. Raises ``SseFormatError``; the reader is of no use after that."""
        frames = (self._take(line) for line in self._lines(self._decode(data)))
        return [frame for frame in frames if frame is not None]

    def _decode(self, data: bytes) -> str:
        try:
            return self._decoder.decode(data)
        except UnicodeDecodeError as error:
            raise SseFormatError("the event stream is not UTF-8") from error

    def _lines(self, text: str) -> list[str]:
        """Whole lines; a line ends by LF, CR or CRLF, and a CRLF may be cut between two slices."""
        if self._ended_on_carriage_return and text.startswith("\n"):
            text = text[1:]
        if text:
            self._ended_on_carriage_return = text.endswith("\r")
        unified = text.replace("\r\n", "\n").replace("\r", "\n")
        *lines, self._rest = (self._rest + unified).split("\n")
        self._refuse_more_than_a_frame(len(self._rest))
        return lines

    def _take(self, line: str) -> SseFrame | None:
        if not line:
            return self._dispatch()
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
            self._data_chars += len(value)
            self._refuse_more_than_a_frame(0)
        elif field == "event":
            self._event = value
        elif field == "id" and "\0" not in value:
            self._pending_id = value
        elif field == "retry" and value.isascii() and value.isdigit():
            self.retry_seconds = int(value) / 1000
        return None

    def _dispatch(self) -> SseFrame | None:
        event, data = self._event or "message", self._data
        self._event, self._data, self._data_chars = "", [], 0
        self.last_id = self._pending_id
        return SseFrame(event, "\n".join(data), self.last_id) if data else None

    def _refuse_more_than_a_frame(self, unfinished_chars: int) -> None:
        if self._data_chars + unfinished_chars > MAX_FRAME_CHARS:
            raise SseFormatError("an event of the stream has no end")
