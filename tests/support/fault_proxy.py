"""A TCP proxy between a server and its clients that can lose the line: what a network and a dying server do."""

import socket
import threading
from contextlib import suppress
from typing import Self


class FaultProxy:
    """Listens on a port of its own and passes bytes to ``upstream``, which may change while it runs.

    ``cut`` ends all connections at once and refuses new ones until ``mend``.
    """

    def __init__(self, upstream_port: int) -> None:
        self.upstream_port = upstream_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._is_cut = False
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def cut(self) -> None:
        """Lose every line, now."""
        with self._lock:
            self._is_cut = True
            sockets, self._sockets = self._sockets, set()
        for one in sockets:
            close(one)

    def mend(self, upstream_port: int | None = None) -> None:
        """Let connections through again, maybe to a server that came back on another port."""
        with self._lock:
            self.upstream_port = upstream_port or self.upstream_port
            self._is_cut = False

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self.upstream_port), timeout=5)
            server.settimeout(None)
        except OSError:
            return close(client)
        with self._lock:
            if not self._is_cut:
                self._sockets |= {client, server}
                for source, target in ((client, server), (server, client)):
                    source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()
                return None
        close(client)
        return close(server)

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for one in (source, target):
            close(one)
            with self._lock:
                self._sockets.discard(one)


def close(one: socket.socket) -> None:
    """Close for both sides, whatever state it is in."""
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
