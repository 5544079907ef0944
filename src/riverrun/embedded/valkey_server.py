"""The embedded Valkey server."""

import signal
from pathlib import Path

from riverrun.embedded.binaries import find_valkey_server
from riverrun.embedded.data_folder import DataFolder, Lock, Passwords
from riverrun.embedded.guarded_process import GuardedProcess
from riverrun.embedded.server_process import (
    answers,
    spawn,
    take_over,
    wait_until_healthy,
)
from riverrun.kit.free_port import LOOPBACK, free_port

NAME = "Valkey"
STOP_SIGNAL = signal.SIGTERM
"""Valkey then writes what its append-only file still lacks, and leaves."""


class ValkeyServer:
    """One server with an append-only file in the data folder: a power cut costs at most the last second."""

    def __init__(self, folder: DataFolder, passwords: Passwords, *, durable: bool) -> None:
        self.folder = folder
        self.port = 0
        self._passwords = passwords
        self._durable = durable
        self._program = find_valkey_server()
        self._lock = Lock(folder.root / "valkey.lock")
        self._process: GuardedProcess | None = None

    @property
    def redis_url(self) -> str:
        return redis_url(self._passwords, self.port)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Begin to start; ``wait_until_ready`` is the other half.

        Without a ``port`` already (of an earlier life of this server) a free one is taken.
        """
        take_over(self._lock, NAME, STOP_SIGNAL)
        self.port = self.port or free_port()
        configuration = self.folder.valkey / "valkey.conf"
        self.folder.write_private(configuration, self._configuration())
        self._process = spawn(
            [self._program, configuration],
            lock=self._lock,
            log_path=self.folder.logs / "valkey.log",
            stop_signal=STOP_SIGNAL,
        )

    def wait_until_ready(self) -> None:
        """Return when commands are answered. Raises ``PortTakenError`` or ``EmbeddedError``."""
        assert self._process is not None
        wait_until_healthy(self._process, lambda: serves_valkey(self._passwords, self.port), NAME)

    @property
    def is_dead(self) -> bool:
        return self._process is not None and self._process.returncode is not None

    def ask_to_stop(self) -> None:
        if self._process:
            self._process.ask_to_stop()

    def kill(self) -> None:
        if self._process:
            self._process.kill()

    def stop(self) -> None:
        """End it cleanly, and let go of the folder."""
        if self._process:
            self._process.stop()
        self._lock.close()

    def _configuration(self) -> str:
        """In a file of mode 0600, because arguments are seen by every user of the machine."""
        settings = {
            "bind": LOOPBACK,
            "port": str(self.port),
            "requirepass": self._passwords.valkey,
            "dir": quoted(self.folder.valkey),
            "appendonly": "yes",
            "appendfsync": "everysec" if self._durable else "no",
            "aof-load-truncated": "yes",  # A tail cut by a crash is dropped; the rest is whole.
            "save": '""',
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        return "".join(f"{name} {value}\n" for name, value in settings.items())


def quoted(path: Path) -> str:
    """As a string of the configuration file."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def redis_url(passwords: Passwords, port: int) -> str:
    """Of the embedded server's first database on a port."""
    return f"redis://:{passwords.valkey}@{LOOPBACK}:{port}/0"


def serves_valkey(passwords: Passwords, port: int) -> bool:
    """Whether a Valkey with our password serves on the port (and is not still loading its data)."""
    return answers(port, f"AUTH {passwords.valkey}\r\nPING\r\n".encode(), b"+OK\r\n+PONG\r\n")
