"""The one place that chooses a port for a server: free, and out of the kernel's reach until the server binds it."""

import errno
import socket
from pathlib import Path
from random import SystemRandom

LOOPBACK = "127.0.0.1"
EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
USUAL_EPHEMERAL_START = 32_768
LOWEST_PORT = 16_384
ATTEMPTS = 100

_random = SystemRandom()
"""Not seeded by anybody: two processes that begin alike must not choose alike."""


def free_port(host: str = LOOPBACK) -> int:
    """A port that was free a moment ago.

    It lies below the range out of which the kernel gives ports to outgoing connections, so that nobody gets it by
    chance before it is bound. Raises ``OSError`` when the host is not ours or every attempt met somebody.
    """
    ports = range(LOWEST_PORT, ephemeral_start())
    for _ in range(ATTEMPTS if ports else 0):
        port = _random.choice(ports)
        try:
            return bind_for_a_moment(host, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    return bind_for_a_moment(host, 0)  # The kernel's own choice is the best that is left.


def ephemeral_start() -> int:
    """The first port that outgoing connections may get."""
    try:
        return int(EPHEMERAL_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return USUAL_EPHEMERAL_START


def bind_for_a_moment(host: str, port: int) -> int:
    """Bind as a server would, and let go. Returns the port; raises ``OSError`` with what the system says."""
    family, kind, _, _, address = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        bound: int = probe.getsockname()[1]
        return bound
