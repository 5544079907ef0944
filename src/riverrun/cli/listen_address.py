"""The address the server listens on: whether it is free, and how this machine reaches it."""

import errno
import time

from riverrun.cli.client_errors import ClientError
from riverrun.kit.free_port import bind_for_a_moment, free_port

POLL_SECONDS = 0.05
ANY_ADDRESS = {"0.0.0.0", "::", ""}


class CannotListen(ClientError):
    """The address cannot be had; the message says which and what to do."""


def require_free_port(host: str, port: int, patience_seconds: float = 0.0) -> None:
    """Return when a server could listen there, waiting so long for a former one to leave. Raises ``CannotListen``."""
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            bind_for_a_moment(host, port)
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
        return free_port(host)
    except OSError as error:
        raise CannotListen(
            f"cannot listen on {host} ({error.strerror or error}): choose another address with --host"
        ) from error


def local_url(host: str, port: int) -> str:
    """How a program on this machine reaches a server that listens there."""
    name = "127.0.0.1" if host in ANY_ADDRESS else host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
