"""A proxy in front of Valkey that loses single pub/sub frames: what TCP never does, and the hub promises to survive."""

import socket
import threading
from contextlib import suppress

from tests.support.fault_proxy import FaultProxy, close

SUBSCRIBED = b"$9\r\nsubscribe\r\n"
FRAME = b"*3\r\n$7\r\nmessage\r\n"


class LossyProxy(FaultProxy):
    """Passes everything on, except the frames that it was told to lose."""

    def __init__(self, upstream_port: int) -> None:
        self.lost = 0
        self._doomed: list[bytes] = []
        self._dooming = threading.Lock()
        super().__init__(upstream_port)

    def lose_frame(self, event_type: str) -> None:
        """Lose the next pushed frame of this type."""
        with self._dooming:
            self._doomed.append(b" %s " % event_type.encode())

    def forgive(self) -> None:
        """Lose nothing any more."""
        with self._dooming:
            self._doomed.clear()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            if source.getpeername()[1] == self.upstream_port:
                self._pass_replies_on(source, target)
        super()._pass_on(source, target)

    def _pass_replies_on(self, source: socket.socket, target: socket.socket) -> None:
        """A line that never subscribes is passed on as it is; one that does is taken apart into its replies."""
        rest, is_subscribed = b"", False
        while data := source.recv(65536):
            is_subscribed = is_subscribed or SUBSCRIBED in data
            if not is_subscribed:
                target.sendall(data)
                continue
            replies, rest = split_replies(rest + data)
            if kept := b"".join(reply for reply in replies if not self._loses(reply)):
                target.sendall(kept)
        close(target)

    def _loses(self, reply: bytes) -> bool:
        if not reply.startswith(FRAME):
            return False
        with self._dooming:
            for doomed in self._doomed:
                if doomed in reply:
                    self._doomed.remove(doomed)
                    self.lost += 1
                    return True
        return False


def split_replies(data: bytes) -> tuple[list[bytes], bytes]:
    """The whole replies of RESP2 that ``data`` begins with, and the rest."""
    replies, start = [], 0
    while (end := _end_of_reply(data, start)) is not None:
        replies.append(data[start:end])
        start = end
    return replies, data[start:]


def _end_of_reply(data: bytes, start: int) -> int | None:
    line_end = data.find(b"\r\n", start)
    if line_end < 0:
        return None
    end: int | None = line_end + 2
    kind, head = data[start : start + 1], data[start + 1 : line_end]
    if kind == b"$" and int(head) >= 0:
        end = line_end + 2 + int(head) + 2
    elif kind == b"*":
        for _ in range(int(head)):
            end = None if end is None else _end_of_reply(data, end)
    return end if end is not None and end <= len(data) else None
