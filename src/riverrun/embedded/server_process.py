"""What both servers have in common: one at a time on its folder, a port that is free, a bounded wait for health, an end."""

import os
import signal
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from riverrun.embedded.data_folder import DataFolder, Lock, Passwords, unusable
from riverrun.embedded.errors import EmbeddedError
from riverrun.embedded.guarded_process import Account, GuardedProcess
from riverrun.kit.free_port import LOOPBACK, free_port

START_SECONDS = 60.0
"""A server that neither serves nor says that it recovers is given up after so long."""
RECOVERY_SECONDS = 5.0
"""A recovery that takes longer is worth a word. It may take as long as it needs: a killed server begins it anew."""
LEFTOVER_SECONDS = 10.0
ANSWER_SECONDS = 2.0
POLL_SECONDS = 0.01
GRACE_SECONDS = 1.2
"""A clean end takes a tenth of it. A server killed after it loses nothing: it recovers at its next start."""
LOG_BYTES = 10_000_000


class PortTakenError(Exception):
    """Somebody took the port between our choice and the server's bind."""


class StillRecoveringError(EmbeddedError):
    """The server lives and reads what an earlier end left on its disk; wait for it again later."""


class ServerProcess(ABC):
    """A server on its part of the data folder. ``durable=False`` trades safety over power loss for speed, for tests.

    ``port`` is 0 until the first ``start`` and stays the same over later ones, unless somebody sets it to 0 again.
    """

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]
    account: Account | None = None
    """The user it runs as instead of ours."""

    def __init__(self, folder: DataFolder, passwords: Passwords, *, durable: bool) -> None:
        self.folder = folder
        self.port = 0
        self._passwords = passwords
        self._durable = durable
        self._lock = Lock(folder.root / f"{self.name.lower()}.lock")
        self._process: GuardedProcess | None = None
        self.is_recovering = False
        """As its last wait found it."""

    @abstractmethod
    def _prepare(self) -> None:
        """Put on disk what a start on ``port`` needs. We hold the lock: no process of an earlier start is left."""

    @abstractmethod
    def _command(self) -> Sequence[str | Path]:
        """The program with its arguments."""

    @abstractmethod
    def _is_healthy(self) -> bool:
        """Whether it serves its clients."""

    @abstractmethod
    def _says_it_recovers(self) -> bool:
        """Whether it is busy with what is on its disk, by its own words."""

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def is_dead(self) -> bool:
        return self._process is not None and self._process.returncode is not None

    def start(self) -> None:
        """Begin to start, on a free port the first time; ``wait_until_ready`` is the other half."""
        take_over(self._lock, self.name, self.stop_signal)
        self.port = self.port or free_port()
        self._prepare()
        self._process = spawn(
            self._command(),
            lock=self._lock,
            log_path=self.folder.logs / f"{self.name.lower()}.log",
            stop_signal=self.stop_signal,
            account=self.account,
        )

    def wait_until_ready(self) -> None:
        """Return when clients are served. Raises ``PortTakenError``, ``StillRecoveringError`` or another ``EmbeddedError``.

        The first wait for a recovery takes ``RECOVERY_SECONDS``, each later one is a look.
        """
        assert self._process is not None
        patience_seconds = 0.0 if self.is_recovering else RECOVERY_SECONDS
        self.is_recovering = False
        began = time.monotonic()
        while not self._is_healthy():
            if self._process.returncode is not None:
                raise failure(self._process, self.name)
            waited_seconds = time.monotonic() - began
            if waited_seconds >= patience_seconds and self._says_it_recovers():
                self.is_recovering = True
                raise StillRecoveringError(
                    f"{self.name} is still recovering; it is left alone until it is ready."
                )
            if waited_seconds >= START_SECONDS:
                raise self._give_up(self._process)
            time.sleep(POLL_SECONDS)

    def _give_up(self, process: GuardedProcess) -> EmbeddedError:
        process.kill()
        return EmbeddedError(
            f"{self.name} was not ready within {START_SECONDS:.0f} s; its log is {process.log_path}."
        )

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


def take_over(lock: Lock, name: str, stop_signal: signal.Signals) -> None:
    """Get a server's lock, ending a server that was left behind by a crash of its owner.

    We already are the folder's owner, so nobody needs the server that holds the lock. On return no process of an
    earlier start of it is left. Raises ``EmbeddedError``.
    """
    lock.renew()
    for number in (stop_signal, signal.SIGKILL):
        if lock.acquire():
            return
        leftover = lock.holder
        if leftover is not None:
            end(leftover, number)
        if lock.acquire(LEFTOVER_SECONDS):
            return
    raise EmbeddedError(
        f"A {name} of an earlier start (process {lock.holder}) still holds the data folder and does not end: "
        f"end it with `kill -9 {lock.holder}` and start again."
    )


def end(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise EmbeddedError(
            f"Process {pid} of another user holds the data folder: stop it, or choose another folder "
            "with RIVERRUN_DATA_DIR."
        ) from error


def spawn(
    command: Sequence[str | Path],
    *,
    lock: Lock,
    log_path: Path,
    stop_signal: signal.Signals,
    account: Account | None = None,
) -> GuardedProcess:
    """Start a server that holds its lock for as long as it lives."""
    try:
        if log_path.exists() and log_path.stat().st_size > LOG_BYTES:
            log_path.replace(log_path.with_suffix(".log.old"))
    except PermissionError as error:
        raise unusable(log_path, error) from error
    process = GuardedProcess(
        command,
        log_path=log_path,
        stop_signal=stop_signal,
        grace_seconds=GRACE_SECONDS,
        account=account,
        keep_open=(lock.descriptor,),
        folder=Path("/"),
        environment=server_environment(),
    )
    try:
        lock.say_holder(process.pid)
    except BaseException:
        process.kill()  # nobody could end it by its lock
        process.wait()
        raise
    return process


def server_environment() -> dict[str, str]:
    """Nothing of ours: PGDATA, PGPORT and the like would change what a server does."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def failure(process: GuardedProcess, name: str) -> Exception:
    """Why a server ended instead of starting, by its own last words."""
    said = process.log_tail()
    if "ddress already in use" in said:
        return PortTakenError(name)
    if "No space left on device" in said:
        return EmbeddedError(
            f"{name} could not start because the disk is full: free some space and start again."
        )
    return EmbeddedError(f"{name} could not start; the last lines of {process.log_path}:\n{said}")


def answers(port: int, question: bytes, expected: bytes) -> bool:
    """Whether what listens on a loopback port replies to a few bytes as expected."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=ANSWER_SECONDS) as connection:
            connection.sendall(question)
            received = b""
            while len(received) < len(expected):
                piece = connection.recv(64)
                if not piece:
                    break
                received += piece
            return received.startswith(expected)
    except OSError:
        return False
