"""A parse helper as the indexer sees it: a process that may crash, hang or be killed at any time."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from riverrun.parsing.file_rows import BODIES, FileRows
from riverrun.parsing.parse_frames import LENGTHS_SIZE, Header, decode_frame, decode_lengths, encode_frame

HELPER_COMMAND = (sys.executable, "-P", "-m", "riverrun.parsing.parse_helper")
START_TIMEOUT_SECONDS = 30.0
FILE_TIMEOUT_SECONDS = 20.0
WAIT_MILLISECONDS = 200
PIPE_BYTES = 1 << 20
"""A batch at once, where the system lets pipes be so large."""
MAX_BYTES_AHEAD = PIPE_BYTES // 2 if sys.platform == "linux" else 0
"""What fits into a pipe for sure while nobody reads it; pipes elsewhere have no size that we can set."""
_INHERITED = ("PATH", "PYTHONPATH", "SYSTEMROOT", "LD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class ParseRequest:
    """A file to parse; ``file_id`` is the id its rows refer to."""

    file_id: int
    path: str
    language: str | None
    source: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ParseReply:
    """What became of a file: its rows, or the reason why there are none."""

    request: ParseRequest
    rows: FileRows | None = None
    reason: str | None = None


class HelperUnavailable(RuntimeError):
    """No parse helper can be started on this machine."""


class ParsingAbandoned(Exception):
    """Nobody waits for the replies any more."""


class _HelperLost(Exception):
    """The helper ended, or hangs; the message tells a person which."""

    def __init__(self, message: str, *, hangs: bool = False) -> None:
        super().__init__(message)
        self.hangs = hangs


class ParseHelper:
    """One helper process: started when first needed, and again after it was lost. For one thread at a time."""

    def __init__(
        self,
        command: tuple[str, ...] = HELPER_COMMAND,
        *,
        file_timeout_seconds: float = FILE_TIMEOUT_SECONDS,
        is_abandoned: Callable[[], bool] = lambda: False,
    ) -> None:
        self._command = command
        self._file_timeout_seconds = file_timeout_seconds
        self._is_abandoned = is_abandoned
        self._process: subprocess.Popen[bytes] | None = None
        self._is_ready = False
        self._received = bytearray()
        self._taken = 0
        """How much of it is in the frames that were read."""
        self._sent_ahead: Sequence[ParseRequest] = ()
        """What the process has got, or waits in its pipe, although nobody has asked for the replies yet."""

    def parse(
        self, project_id: UUID, requests: Sequence[ParseRequest], following: Sequence[ParseRequest] = ()
    ) -> list[ParseReply]:
        """One reply a request, in their order.

        ``following`` is what the next call will ask for: the process gets it now, if it fits into the pipe, and so
        goes on without waiting for that call. A file at which the helper ended is tried once more in a new one, for the helper may have been killed by
        chance; a file at which it hangs is not. Raises ``HelperUnavailable`` and ``ParsingAbandoned``.
        """
        if self._sent_ahead and self._sent_ahead != requests:
            self.close()
        replies: list[ParseReply] = []
        while len(replies) < len(requests):
            try:
                for reply in self._exchange(project_id, requests[len(replies) :], following):
                    replies.append(reply)
            except _HelperLost as lost:
                self.close()
                replies.append(self._second_try(project_id, requests[len(replies)], lost))
        return replies

    @property
    def pid(self) -> int | None:
        """The present process, if there is one."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Begin starting the process without waiting for it."""
        self._process = self._process or subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            pipesize=PIPE_BYTES,
            env={name: os.environ[name] for name in _INHERITED if name in os.environ},
        )

    def close(self) -> None:
        """End the process, whatever it is doing."""
        process, self._process = self._process, None
        if process:
            process.kill()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):
                    assert pipe
                    pipe.close()
            process.wait()
        self._is_ready = False
        self._received.clear()
        self._taken = 0
        self._sent_ahead = ()

    def _second_try(self, project_id: UUID, request: ParseRequest, lost: _HelperLost) -> ParseReply:
        if not lost.hangs:
            try:
                return next(self._exchange(project_id, [request]))
            except _HelperLost as again:
                self.close()
                lost = again
        return ParseReply(request, reason=str(lost))

    def _exchange(
        self, project_id: UUID, requests: Sequence[ParseRequest], following: Sequence[ParseRequest] = ()
    ) -> Iterator[ParseReply]:
        self._make_ready()
        if self._sent_ahead:
            self._sent_ahead = ()
        else:
            self._write(_frame_of(project_id, requests))
        # All earlier replies have been read, so the process takes `requests` out of the pipe before it writes again:
        # what fits into the pipe after them never waits for anybody who reads replies.
        if following and len(frame := _frame_of(project_id, following)) <= MAX_BYTES_AHEAD:
            self._write(frame)
            self._sent_ahead = following
        for request in requests:
            yield _reply(request, *self._read_frame(self._file_timeout_seconds))

    def _make_ready(self) -> None:
        if self._is_ready:
            return
        try:
            self.start()
            self._read_frame(START_TIMEOUT_SECONDS)
        except (OSError, _HelperLost) as error:
            self.close()
            raise HelperUnavailable(f"The parse helper does not start: {error}") from error
        self._is_ready = True

    def _write(self, data: bytes) -> None:
        assert self._process
        assert self._process.stdin
        pipe = self._process.stdin.fileno()
        os.set_blocking(pipe, False)
        deadline = time.monotonic() + self._file_timeout_seconds
        rest = memoryview(data)
        while rest:
            self._wait(pipe, select.POLLOUT, deadline)
            try:
                rest = rest[os.write(pipe, rest) :]
            except BrokenPipeError as error:
                raise _HelperLost("The parser crashed on this file.") from error

    def _read_frame(self, timeout_seconds: float) -> tuple[Header, list[bytes]]:
        deadline = time.monotonic() + timeout_seconds
        header_size, bodies_size = decode_lengths(self._read(LENGTHS_SIZE, deadline))
        return decode_frame(self._read(header_size, deadline), self._read(bodies_size, deadline))

    def _read(self, size: int, deadline: float) -> bytes:
        assert self._process
        assert self._process.stdout
        pipe = self._process.stdout.fileno()
        if len(self._received) < self._taken + size:
            # What was taken goes when there is more to read, not each time: what is behind it would be moved for each frame.
            del self._received[: self._taken]
            self._taken = 0
        while len(self._received) < self._taken + size:
            self._wait(pipe, select.POLLIN, deadline)
            part = os.read(pipe, PIPE_BYTES)
            if not part:
                raise _HelperLost("The parser crashed on this file.")
            self._received += part
        start, self._taken = self._taken, self._taken + size
        return bytes(memoryview(self._received)[start : self._taken])

    def _wait(self, pipe: int, event: int, deadline: float) -> None:
        poll = select.poll()
        poll.register(pipe, event)
        while not poll.poll(WAIT_MILLISECONDS):
            if self._is_abandoned():
                self.close()
                raise ParsingAbandoned
            if time.monotonic() > deadline:
                raise _HelperLost("Parsing this file took too long.", hangs=True)


def _frame_of(project_id: UUID, requests: Sequence[ParseRequest]) -> bytes:
    files = [{"file_id": r.file_id, "path": r.path, "language": r.language} for r in requests]
    return encode_frame({"project_id": project_id, "files": files}, [r.source for r in requests])


def _reply(request: ParseRequest, header: Header, bodies: list[bytes]) -> ParseReply:
    if "error" in header:
        return ParseReply(request, reason=header["error"])
    fields: Header = {**header, **dict(zip(BODIES, bodies, strict=True))}
    return ParseReply(request, rows=FileRows(**fields))
