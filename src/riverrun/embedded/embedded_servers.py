"""Postgres and Valkey together, on one data folder: started and owned by us, or found running and shared."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from riverrun.embedded.data_folder import DataFolder, Lock, RunningServers
from riverrun.embedded.errors import EmbeddedError
from riverrun.embedded.postgres_server import PostgresServer, database_url, serves_postgres
from riverrun.embedded.server_process import PortTakenError, ServerProcess, StillRecoveringError
from riverrun.embedded.valkey_server import ValkeyServer, redis_url, serves_valkey

PORT_ATTEMPTS = 5
OWNER_START_SECONDS = 90.0
"""How long another process may take that is just starting the servers of the same folder."""
UNANSWERED_SECONDS = 5.0
"""How long published servers may be silent before we say that their owner is broken."""
POLL_SECONDS = 0.05


class EmbeddedServers:
    """Two servers that answer. Made by ``start``; as a context manager it stops them.

    ``owned`` is False when another process (``owner_pid``) runs them: ``stop`` then leaves them alone, and ``pids``
    is empty.
    """

    def __init__(
        self,
        folder: DataFolder,
        database_url: str,
        redis_url: str,
        owner_pid: int,
        owned: "OwnedServers | None" = None,
    ) -> None:
        self.folder = folder
        self.database_url = database_url
        self.redis_url = redis_url
        self.owner_pid = owner_pid
        self.start_seconds = 0.0
        self._owned = owned

    @classmethod
    def start(
        cls, data_dir: Path, *, durable: bool = True, say: Callable[[str], None] = lambda line: None
    ) -> Self:
        """Start the servers of a folder, or attach to them when another living process has done so.

        Whatever a crash left behind (servers, pid files, half-made data) is cleared away. ``durable=False`` is for
        tests: fast, and unsafe only against power loss. ``say`` gets a line when it takes long. Raises ``EmbeddedError``
        in words meant for the operator.
        """
        began = time.monotonic()
        folder = DataFolder(data_dir)
        folder.prepare()
        with folder.explained():
            owner = Lock(folder.root / "owner.lock")
        servers = None if owner.acquire() else cls._attach(folder, owner)
        if servers is None:
            owned = OwnedServers(folder, owner, durable=durable, say=say)
            servers = cls(folder, owned.postgres.database_url, owned.valkey.redis_url, os.getpid(), owned)
        servers.start_seconds = time.monotonic() - began
        return servers

    @classmethod
    def find_running(cls, data_dir: Path) -> Self | None:
        """The servers of a folder if another process runs them and they answer; starts and writes nothing."""
        folder = DataFolder(data_dir)
        state = folder.published()
        return cls._of_other(folder, state) if state and answer(folder, state) else None

    @classmethod
    def _of_other(cls, folder: DataFolder, state: RunningServers) -> Self:
        passwords = folder.passwords()
        return cls(
            folder,
            database_url(passwords, state.postgres_port),
            redis_url(passwords, state.valkey_port),
            state.owner_pid,
        )

    @classmethod
    def _attach(cls, folder: DataFolder, owner: Lock) -> Self | None:
        """Wait for the owner's servers to answer. None when the owner has gone meanwhile and we own the folder now."""
        began = time.monotonic()
        while not owner.acquire():
            state = folder.published()
            patience_seconds = UNANSWERED_SECONDS if state else OWNER_START_SECONDS
            if state and answer(folder, state):
                owner.close()
                return cls._of_other(folder, state)
            if time.monotonic() - began > patience_seconds:
                raise EmbeddedError(
                    f"The data folder {folder.root} is held by process {owner.holder}, whose servers do not answer: "
                    f"end it with `kill {owner.holder}`, or choose another folder with RIVERRUN_DATA_DIR."
                )
            time.sleep(POLL_SECONDS)
        return None

    @property
    def owned(self) -> bool:
        return self._owned is not None

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of the servers we own, by name."""
        return self._owned.pids if self._owned else {}

    def revive(self) -> list[str]:
        """Start again, on its old port, whatever server of ours has died. Returns the names of those.

        Raises ``EmbeddedError`` when one cannot come back yet, or not for a while; calling again later tries again.
        """
        return self._owned.revive() if self._owned else []

    def kill(self) -> None:
        """End the servers at once if they are ours; what is on disk recovers at the next start."""
        if self._owned:
            self._owned.kill()

    def stop(self) -> None:
        """End the servers cleanly if they are ours. More than once does no harm."""
        if self._owned:
            self._owned.stop()
            self._owned = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class OwnedServers:
    """Both servers as this process's own children. Building it starts them; the owner's lock is held until ``stop``."""

    def __init__(self, folder: DataFolder, owner: Lock, *, durable: bool, say: Callable[[str], None]) -> None:
        owner.say_holder(os.getpid())
        self._folder = folder
        self._owner = owner
        self._say = say
        self._revived: list[str] = []
        folder.retract()
        passwords = folder.passwords()
        self.valkey = ValkeyServer(folder, passwords, durable=durable)
        self.postgres = PostgresServer(folder, passwords, durable=durable)
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        """Both at once: each waits for its own disk, not for the other."""
        self.valkey.start()
        self.postgres.start()
        for server in (self.valkey, self.postgres):
            bring_up(server, self._say)
        self._folder.publish(RunningServers(os.getpid(), self.postgres.port, self.valkey.port))

    @property
    def pids(self) -> dict[str, int]:
        servers = {"postgres": self.postgres.pid, "valkey": self.valkey.pid}
        return {name: pid for name, pid in servers.items() if pid is not None}

    def revive(self) -> list[str]:
        """Each is tried whatever keeps the other; then the first trouble is raised, and names are told after it is over."""
        troubles = []
        for server in (self.postgres, self.valkey):
            try:
                if server.is_dead or server.is_recovering:
                    restart_in_place(server)
                    self._revived.append(server.name)
            except Exception as error:
                troubles.append(error)
        if troubles:
            raise troubles[0]
        revived, self._revived = self._revived, []
        return revived

    def kill(self) -> None:
        for server in (self.postgres, self.valkey):
            server.kill()

    def stop(self) -> None:
        self._folder.retract()
        for server in (self.postgres, self.valkey):
            server.ask_to_stop()
        for server in (self.postgres, self.valkey):
            server.stop()
        self._owner.close()


def bring_up(server: ServerProcess, say: Callable[[str], None] = lambda line: None) -> None:
    """Wait for a started server; begin again on another port while somebody is quicker than it at taking one."""
    for _ in range(PORT_ATTEMPTS):
        try:
            return wait_out(server, say)
        except PortTakenError:
            server.port = 0
            server.start()
    raise EmbeddedError("No free port could be had on 127.0.0.1: is something taking them all?")


def wait_out(server: ServerProcess, say: Callable[[str], None]) -> None:
    """Wait for a started server, however long it recovers; that it does is said once."""
    said = False
    while True:
        try:
            return server.wait_until_ready()
        except StillRecoveringError as error:
            if not said:
                say(str(error))
            said = True
            time.sleep(POLL_SECONDS)


def restart_in_place(server: ServerProcess) -> None:
    """Start a dead server where its clients look for it, or see whether one that recovers is ready."""
    if server.is_dead:
        server.start()
    try:
        server.wait_until_ready()
    except PortTakenError as error:
        raise EmbeddedError(
            f"Port {server.port}, where {error} was, is used by another process: end that."
        ) from error


def answer(folder: DataFolder, state: RunningServers) -> bool:
    return serves_postgres(state.postgres_port) and serves_valkey(folder.passwords(), state.valkey_port)
