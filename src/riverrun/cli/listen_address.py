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
            bound_port(host, port)
        except (OSError, OverflowError) as error:
            if getattr(error, "errno", None) != errno.EADDRINUSE:
                raise CannotListen(
                    f"cannot listen on {host}:{port} ({getattr(error, 'strerror', None) or error}): "
                    "choose another address with --host and --port"
                ) from error
            if time.monotonic() >= deadline:
                raise CannotListen(
                    f"port {port} of {host} is in use by another program: "
                    f"choose another one with --port {port + 1} or RIVERRUN_PORT"
                ) from error
        else:
            return
        time.sleep(POLL_SECONDS)


def choose_free_port(host: str) -> int:
    """A port that was free a moment ago. Raises ``CannotListen``."""
    try:
        return bound_port(host, 0)
    except OSError as error:
        raise CannotListen(
            f"cannot listen on {host} ({error.strerror or error}): choose another address with --host"
        ) from error


def bound_port(host: str, port: int) -> int:
    """Bind for a moment, and tell the port. Raises what the system says."""
    family, kind, _, _, address = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        bound: int = probe.getsockname()[1]
        return bound


def local_url(host: str, port: int) -> str:
    """How a program on this machine reaches a server that listens there."""
    name = "127.0.0.1" if host in ANY_ADDRESS else host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
