"""The address the server listens on: whether it is free, and how this machine reaches it."""

import errno
import socket
import time

from riverrun.cli.client_errors import ClientError

POLL_SECONDS = 0.05
ANY_ADDRESS = {"0.0.0.0", "::", ""}


class CannotListen(ClientError):
    """The address cannot be had; the message says which and what to do."""


def require_free_port(host: str, port: int, patience_seconds: float = 0.0) -> None:
    """Return when a server could listen there, waiting so long for a former one to leave. Raises ``CannotListen``."""
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            return try_to_bind(host, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise CannotListen(
                    f"cannot listen on {host}:{port} ({error.strerror or error}): "
                    "choose another address with --host and --port"
                ) from error
            if time.monotonic() >= deadline:
                raise CannotListen(
                    f"port {port} of {host} is in use by another program: "
                    f"choose another one with --port {port + 1} or RIVERRUN_PORT"
                ) from error
        time.sleep(POLL_SECONDS)


def try_to_bind(host: str, port: int) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)


def choose_free_port(host: str) -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def local_url(host: str, port: int) -> str:
    """How a program on this machine reaches a server that listens there."""
    name = "127.0.0.1" if host in ANY_ADDRESS else host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
