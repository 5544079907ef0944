"""A real HTTP server on a real socket that answers by script: what a client must survive, played exactly."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from riverrun.cli.server_address import ServerAddress

STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def frame(position: str, event_type: str, **fields: object) -> bytes:
    """One event as the server writes it."""
    attempt, seq = map(int, position.split("-"))
    data = json.dumps({"seq": seq, "attempt": attempt, **fields}, ensure_ascii=False)
    return f"id: {position}\nevent: {event_type}\ndata: {data}\n\n".encode()


def json_answer(status: int, document: object, content_type: str = "application/json") -> bytes:
    """A whole answer with a JSON body."""
    body = json.dumps(document).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


@dataclass
class ScriptedServer:
    """Answers the n-th connection with the n-th script and closes it; ``requests`` are the raw heads it got."""

    scripts: list[bytes]
    requests: list[str] = field(default_factory=list)
    closed_by_client: threading.Event = field(default_factory=threading.Event)
    _socket: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def address(self) -> ServerAddress:
        return ServerAddress(f"http://127.0.0.1:{self._socket.getsockname()[1]}", "a-token")

    def positions(self) -> list[str]:
        """The ``Last-Event-ID`` of each request."""
        return [
            line.partition(": ")[2]
            for request in self.requests
            for line in request.split("\r\n")
            if line.lower().startswith("last-event-id")
        ]

    def serve(self) -> None:
        for script in self.scripts:
            connection, _ = self._socket.accept()
            with connection:
                self.requests.append(_read_head(connection))
                connection.sendall(script)
        connection, _ = self._socket.accept()
        with connection:
            self.requests.append(_read_head(connection))
            connection.sendall(STREAM_HEAD + frame("1-1", "queued"))
            while connection.recv(65536):
                pass
            self.closed_by_client.set()

    def close(self) -> None:
        self._socket.close()


@contextmanager
def scripted(*scripts: bytes) -> Iterator[ScriptedServer]:
    """Serve the scripts; a connection after the last one gets a stream that stays open until the client closes it."""
    server = ScriptedServer(list(scripts))
    thread = threading.Thread(target=_until_closed, args=(server,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server._socket.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)


def _until_closed(server: ScriptedServer) -> None:
    try:
        server.serve()
    except OSError:
        return


def _read_head(connection: socket.socket) -> str:
    head = b""
    while b"\r\n\r\n" not in head:
        chunk = connection.recv(65536)
        if not chunk:
            break
        head += chunk
    return head.decode()
