"""A reader of one run on a bare socket: it keeps every byte, can be cut at any, and always comes back for the rest."""

import re
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from tests.chaos.answer_fold import AnswerFold, Objection, TakenBack
from tests.chaos.payload_ledger import PayloadLedger

SILENCE_SECONDS = 5.0
"""A line without even a heartbeat (each second in this stack) is dead."""
PAUSE_SECONDS = 0.1
TINY_BUFFER_BYTES = 2_048
TINY_SEGMENT_BYTES = 1_000
"""With small segments the kernel gives the server a small buffer, too: else it would swallow megabytes for a slow reader."""


class LineLost(Exception):
    """The connection ended before the stream did."""


class WireReader(threading.Thread):
    """Follows ``run_id`` to its end over one API at a time. ``objections`` are what it found wrong; ``raw`` is what it got,
    connection by connection.
    """

    def __init__(
        self,
        ports: Mapping[str, int],
        token: str,
        run_id: str,
        api: str,
        ledger: PayloadLedger,
        *,
        has_tiny_buffer: bool = False,
    ) -> None:
        super().__init__(name=f"reader-{run_id}", daemon=True)
        self.run_id = run_id
        self.api = api
        self.fold = AnswerFold()
        self.raw: list[bytearray] = []
        self.objections: list[Objection] = []
        self.resets = 0
        self._ports = ports
        self._token = token
        self._ledger = ledger
        self._has_tiny_buffer = has_tiny_buffer
        self._left = threading.Event()
        self._reads = threading.Event()
        self._reads.set()
        self._is_here = threading.Event()
        self._is_here.set()
        self._bytes_to_cut: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has the end, or gave up over what it found."""
        return self.fold.end is not None or bool(self.objections)

    def cut_after(self, byte_count: int) -> None:
        """Lose the line after so many more bytes, and come back over the other API."""
        self._bytes_to_cut = byte_count

    def pause(self) -> None:
        """Stop reading; the line stays open."""
        self._reads.clear()

    def go_on(self) -> None:
        self._reads.set()

    def go_away(self) -> None:
        """Close the line, and stay away until told to ``come_back``."""
        self._is_here.clear()
        self.cut_after(0)

    def come_back(self) -> None:
        self._is_here.set()

    def leave(self) -> None:
        """Close the line for good."""
        self._left.set()
        self._reads.set()
        self._is_here.set()

    def run(self) -> None:
        while not (self.is_over or self._left.is_set()):
            try:
                self._follow()
            except Objection as objection:
                self.objections.append(objection)
            except TakenBack:
                self.fold = AnswerFold()
            except (OSError, LineLost):
                self._change_api()
            except Exception as broken:
                self.objections.append(
                    Objection("reader", f"{self.run_id} at {self.fold.position}: {broken!r}")
                )
            self._left.wait(PAUSE_SECONDS)
            self._is_here.wait()

    def _change_api(self) -> None:
        names = sorted(self._ports)
        self.api = names[(names.index(self.api) + 1) % len(names)]

    def _follow(self) -> None:
        self.raw.append(bytearray())
        with self._connected() as line:
            line.sendall(
                f"GET /api/v1/runs/{self.run_id}/events HTTP/1.1\r\nHost: riverrun\r\n"
                f"Authorization: Bearer {self._token}\r\nLast-Event-ID: {self.fold.position}\r\n\r\n".encode()
            )
            received = self._receive(line)
            head, body = _read_head(received)
            status = int(head.split(b" ", 2)[1])
            if status == 503:
                raise LineLost
            if status == 204:
                raise Objection("I2", f"204 at {self.fold.position}, before the end")
            if status != 200:
                raise Objection("I2", f"{status} to a reader at {self.fold.position}")
            for block in _blocks(_chunks(body, received)):
                self._take(block)
                if self.is_over:
                    return

    def _connected(self) -> socket.socket:
        line = socket.socket()
        line.settimeout(SILENCE_SECONDS)
        if self._has_tiny_buffer:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, TINY_BUFFER_BYTES)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, TINY_SEGMENT_BYTES)
        try:
            line.connect(("127.0.0.1", self._ports[self.api]))
        except OSError:
            line.close()
            raise
        return line

    def _receive(self, line: socket.socket) -> Iterator[bytes]:
        while True:
            self._reads.wait()
            most = 65536 if self._bytes_to_cut is None else min(65536, self._bytes_to_cut)
            if most <= 0 or self._left.is_set():
                self._bytes_to_cut = None
                raise LineLost
            data = line.recv(most)
            if not data:
                raise LineLost
            self.raw[-1] += data
            if self._bytes_to_cut is not None:
                self._bytes_to_cut -= len(data)
            yield data

    def _take(self, block: bytes) -> None:
        fields = dict(
            line.split(b": ", 1) for line in block.split(b"\n") if not line.startswith((b":", b"retry"))
        )
        if b"data" not in fields:
            return
        event_id, event_type = fields.get(b"id", b"").decode(), fields[b"event"].decode()
        if event_type == "reset":
            self.resets += 1
        elif event_type != "reconnect":
            self._ledger.enter(self.run_id, event_id, event_type, fields[b"data"])
        self.fold.take(event_id, event_type, fields[b"data"])


def _read_head(received: Iterator[bytes]) -> tuple[bytes, bytes]:
    head = b""
    while b"\r\n\r\n" not in head:
        head += next(received)
    head, _, body = head.partition(b"\r\n\r\n")
    return head, body


def _chunks(buffer: bytes, received: Iterator[bytes]) -> Iterator[bytes]:
    """The payload of a chunked body; over with its last chunk."""
    while True:
        while (found := re.match(rb"([0-9a-fA-F]+)\r\n", buffer)) is None:
            buffer += next(received)
        size, start = int(found[1], 16), found.end()
        if size == 0:
            return
        while len(buffer) < start + size + 2:
            buffer += next(received)
        yield buffer[start : start + size]
        buffer = buffer[start + size + 2 :]


def _blocks(payload: Iterator[bytes]) -> Iterator[bytes]:
    """Server-sent blocks; what the line cuts off is none."""
    buffer = b""
    for piece in payload:
        *whole, buffer = (buffer + piece).split(b"\n\n")
        yield from whole


def leave_all(readers: Sequence[WireReader]) -> None:
    """Close all lines, and wait until that is done."""
    for reader in readers:
        reader.leave()
    for reader in readers:
        with suppress(RuntimeError):
            reader.join(SILENCE_SECONDS + 1)
