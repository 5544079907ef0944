"""TLS in front of a server that has none, on threads of its own, for clients that block."""

import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

SSL_REQUEST_BYTES = 8


class TlsFront:
    """Listens at ``localhost`` with a certificate and passes what is said inside TLS to ``upstream_port``.

    ``asked_first``: as Postgres does it, TLS begins when the client has asked for it and was told yes.
    """

    def __init__(self, upstream_port: int, certificate: Path, *, asked_first: bool = False) -> None:
        self._upstream_port = upstream_port
        self._asked_first = asked_first
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.lines = 0
        """How many clients came through their handshake."""
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            if self._asked_first:
                client.recv(SSL_REQUEST_BYTES)
                client.sendall(b"S")
            with (
                self._context.wrap_socket(client, server_side=True) as line,
                socket.create_connection(("127.0.0.1", self._upstream_port)) as server,
            ):
                self.lines += 1
                relay(line, server)


def relay(line: ssl.SSLSocket, server: socket.socket) -> None:
    """Both ways until either ends. One thread has the TLS side: OpenSSL lets no two use a connection at once."""
    line.settimeout(0.02)
    server.settimeout(0.02)
    while True:
        for source, target in ((line, server), (server, line)):
            with suppress(TimeoutError):
                if not (data := source.recv(65_536)):
                    return
                target.sendall(data)
