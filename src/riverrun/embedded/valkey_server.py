"""The embedded Valkey server."""

import signal
from pathlib import Path

from riverrun.embedded.binaries import find_valkey_server
from riverrun.embedded.data_folder import DataFolder, Passwords
from riverrun.embedded.server_process import ServerProcess, answers
from riverrun.kit.free_port import LOOPBACK


class ValkeyServer(ServerProcess):
    """One server with an append-only file in the data folder: a power cut costs at most the last second."""

    name = "Valkey"
    stop_signal = signal.SIGTERM
    """Valkey then writes what its append-only file still lacks, and leaves."""

    def __init__(self, folder: DataFolder, passwords: Passwords, *, durable: bool) -> None:
        super().__init__(folder, passwords, durable=durable)
        self._program = find_valkey_server()
        self._configuration_path = folder.valkey / "valkey.conf"

    @property
    def redis_url(self) -> str:
        return redis_url(self._passwords, self.port)

    def _prepare(self) -> None:
        self.folder.write_private(self._configuration_path, self._configuration())

    def _command(self) -> list[str | Path]:
        return [self._program, self._configuration_path]

    def _is_healthy(self) -> bool:
        return serves_valkey(self._passwords, self.port)

    def _says_it_recovers(self) -> bool:
        return replies(self._passwords, self.port, b"-LOADING")

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
    """Whether a Valkey with our password serves on the port (and is not still loading its data).

    One that cannot write to a full disk refuses even a PING, but runs and tells what it has.
    """
    return any(replies(passwords, port, answer) for answer in (b"+PONG\r\n", b"-MISCONF"))


def replies(passwords: Passwords, port: int, expected: bytes) -> bool:
    """Whether it takes our password and answers a PING like that."""
    return answers(port, f"AUTH {passwords.valkey}\r\nPING\r\n".encode(), b"+OK\r\n" + expected)
