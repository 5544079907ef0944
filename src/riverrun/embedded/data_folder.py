"""The one folder in which the embedded servers keep everything, and who may use it."""

import errno
import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from riverrun.embedded.errors import EmbeddedError

LONGEST_PATH_BYTES = 800
"""Postgres refuses paths of 1,024 bytes and more; its own names below ours need some of them."""
LEAST_FREE_BYTES = 200_000_000
POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Passwords:
    """Made once a folder, safe to stand in URLs."""

    postgres: str
    valkey: str


@dataclass(frozen=True, slots=True)
class RunningServers:
    """What the owner of the servers tells others: its own process id, and where the servers listen."""

    owner_pid: int
    postgres_port: int
    valkey_port: int


class DataFolder:
    """The folder's paths and its small files. ``prepare`` it before anything is written there."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.abspath(root.expanduser()))
        self.postgres = self.root / "postgres"
        self.valkey = self.root / "valkey"
        self.logs = self.root / "logs"
        self._passwords_file = self.root / "passwords.json"
        self._state_file = self.root / "servers.json"

    def prepare(self) -> None:
        """Create the folder if need be. Raises ``EmbeddedError`` when it cannot be used, or its disk is full."""
        if len(os.fsencode(self.root)) > LONGEST_PATH_BYTES:
            raise EmbeddedError(
                f"The path of the data folder is longer than {LONGEST_PATH_BYTES} bytes: "
                "choose a shorter one with RIVERRUN_DATA_DIR."
            )
        with self.explained():
            created = not self.root.exists()
            for folder in (self.root, self.valkey, self.logs):
                folder.mkdir(parents=True, exist_ok=True)
            if created:
                self.root.chmod(0o711 if os.geteuid() == 0 else 0o700)  # Root's Postgres is another user's.
            for folder in (self.valkey, self.logs):
                close_to_others(folder)
            self._prove_writable()
            free_bytes = shutil.disk_usage(self.root).free
        if free_bytes < LEAST_FREE_BYTES:
            raise disk_full(self.root, free_bytes)

    def _prove_writable(self) -> None:
        probe = self.root / f".probe-{secrets.token_hex(4)}"
        probe.write_bytes(b"\0" * 4096)
        probe.unlink()

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn the system's refusals inside into ``EmbeddedError`` with words about this folder."""
        try:
            yield
        except OSError as error:
            if _is_full(error):
                raise disk_full(self.root) from error
            raise EmbeddedError(
                f"The data folder {self.root} cannot be used ({error.strerror or error}): "
                "make it writable for this user or choose another one with RIVERRUN_DATA_DIR."
            ) from error

    def passwords(self) -> Passwords:
        """The folder's passwords, made the first time. Call it only while holding the folder's lock."""
        return self.written_passwords() or self._make_passwords()

    def written_passwords(self) -> Passwords | None:
        """None before the first start. Raises ``EmbeddedError`` when they are damaged, or lost."""
        with self.explained():
            text = self._passwords_file.read_text() if self._passwords_file.exists() else None
            has_cluster = (self.postgres / "PG_VERSION").exists()
        if text is None:
            if has_cluster:  # It is made after the passwords, and opens with its own alone.
                raise EmbeddedError(
                    f"{self._passwords_file} is missing: put it back from a backup, "
                    f"or move {self.root} away to start anew."
                )
            return None
        try:
            return Passwords(**json.loads(text))
        except (ValueError, TypeError) as error:
            raise EmbeddedError(
                f"{self._passwords_file} is damaged: restore it, or move {self.root} away to start anew."
            ) from error

    def _make_passwords(self) -> Passwords:
        made = Passwords(*(secrets.token_urlsafe(24) for _ in range(2)))
        self.write_private(self._passwords_file, json.dumps(asdict(made)))
        return made

    def publish(self, state: RunningServers) -> None:
        """Tell processes that come later where the servers are."""
        self.write_private(self._state_file, json.dumps(asdict(state)))

    def retract(self) -> None:
        self._state_file.unlink(missing_ok=True)

    def published(self) -> RunningServers | None:
        """What the last owner told; none when no servers are up, or not yet."""
        try:
            return RunningServers(**json.loads(self._state_file.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def write_private(self, path: Path, text: str) -> None:
        """Write a file of mode 0600 as a whole or not at all."""
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
        with self.explained():
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)


class Lock:
    """An exclusive lock of a file that lasts as long as a process holds the descriptor, and tells that process's id.

    The system lets go of it by itself when the last holder dies. Children hold it too if they inherit ``descriptor``.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.descriptor = self._open()

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise disk_full(self._path.parent) if _is_full(error) else unusable(self._path, error) from error

    def renew(self) -> None:
        """Let go, so that the next ``acquire`` also waits for children of ours that inherited the descriptor."""
        self.close()
        self.descriptor = self._open()

    def acquire(self, timeout_seconds: float = 0.0) -> bool:
        """Take the lock, waiting so long for it. False when somebody else has it."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            try:
                fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    return False
                time.sleep(POLL_SECONDS)
            else:
                return True

    def say_holder(self, pid: int) -> None:
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, str(pid).encode(), 0)

    @property
    def holder(self) -> int | None:
        """The process that said it holds the lock; none when it has not said so yet."""
        text = os.pread(self.descriptor, 32, 0)
        return int(text) if text.isdigit() else None

    def close(self) -> None:
        """Give up our hold; another process that inherited the descriptor keeps its own."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def _is_full(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def unusable(path: Path, error: OSError) -> EmbeddedError:
    """What there is to say of a file that this user may not use, mostly after a start as root."""
    return EmbeddedError(
        f"{path} cannot be used ({error.strerror or error}): give it to this user (chown), as everything in that folder."
    )


def close_to_others(folder: Path) -> None:
    """Mode 0700, also for a folder that an earlier release left open; one of another user stays as that user made it."""
    with suppress(PermissionError):
        folder.chmod(0o700)


def disk_full(folder: Path, free_bytes: int | None = None) -> EmbeddedError:
    left = "" if free_bytes is None else f" ({free_bytes // 1_000_000} MB left)"
    return EmbeddedError(
        f"The disk of {folder} is full{left}: free {LEAST_FREE_BYTES // 1_000_000} MB, "
        "or choose another folder with RIVERRUN_DATA_DIR."
    )
