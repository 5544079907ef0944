"""A Valkey that answers nobody and refuses nobody: its process stands still."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from riverrun.embedded import EmbeddedServers

NEVER_GIVES_UP = "?socket_timeout=600"
"""At the end of a URL: a client that waits far longer than any test."""


@contextmanager
def silent_valkey(servers: EmbeddedServers) -> Iterator[None]:
    """While the block runs; afterwards it answers again, late questions included."""
    process_id = servers.pids["valkey"]
    os.kill(process_id, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process_id, signal.SIGCONT)
