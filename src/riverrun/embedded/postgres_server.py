"""The embedded PostgreSQL server."""

import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

from riverrun.embedded.binaries import POSTGRES_MAJOR_FLOOR, find_postgres_folder, version_of
from riverrun.embedded.data_folder import DataFolder, Lock, Passwords
from riverrun.embedded.errors import EmbeddedError
from riverrun.embedded.guarded_process import GuardedProcess
from riverrun.embedded.server_process import (
    answers,
    failure,
    server_environment,
    spawn,
    take_over,
    wait_until_healthy,
)
from riverrun.embedded.unprivileged import account_for
from riverrun.kit.free_port import LOOPBACK, free_port

NAME = "Postgres"
STOP_SIGNAL = signal.SIGINT
"""Postgres' fast shutdown: sessions are ended, nothing is lost."""
SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
NO_SSL = b"N"
INITIALISATION_SECONDS = 120.0

ROLE = DATABASE = "riverrun"
"""The role owns its database and may create others, and is no superuser: no SQL reaches the machine's files."""
CLIENT_AUTHENTICATION = f"host all {ROLE} {LOOPBACK}/32 scram-sha-256\n"
LOCALE = ("--encoding=UTF8", "--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",  # A socket's path may not be longer than about 100 bytes; a data folder's may.
    "max_connections": "200",
    "shared_buffers": "128MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "io_method": "sync",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",  # Parallel queries need shared memory that containers keep at 64 MB.
    "max_parallel_maintenance_workers": "0",
    "huge_pages": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
SETTINGS_SINCE_18 = {"io_method"}
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


class PostgresServer:
    """One cluster in the data folder. ``durable=False`` trades safety over power loss for speed, for tests."""

    def __init__(self, folder: DataFolder, passwords: Passwords, *, durable: bool) -> None:
        self.folder = folder
        self.port = 0
        self._passwords = passwords
        self._durable = durable
        self._programs = find_postgres_folder()
        self._account = account_for(self._programs / "postgres", folder.postgres)
        self._lock = Lock(folder.root / "postgres.lock")
        self._process: GuardedProcess | None = None

    @property
    def database_url(self) -> str:
        return database_url(self._passwords, self.port)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Begin to start, making the cluster the first time; ``wait_until_ready`` is the other half.

        Without a ``port`` already (of an earlier life of this server) a free one is taken.
        """
        take_over(self._lock, NAME, STOP_SIGNAL)
        self._forget_killed_predecessor()
        version = version_of(self._programs / "postgres")
        major = int(version.partition(".")[0])
        if (self.folder.postgres / "PG_VERSION").exists():
            self._check_version(major)
        else:
            self._initialise(major)
        self.port = self.port or free_port()
        self._process = spawn(
            [self._programs / "postgres", "-D", self.folder.postgres, *self._options(major)],
            lock=self._lock,
            log_path=self.folder.logs / "postgres.log",
            stop_signal=STOP_SIGNAL,
            account=self._account,
        )

    def wait_until_ready(self) -> None:
        """Return when connections are accepted. Raises ``PortTakenError`` or ``EmbeddedError``."""
        assert self._process is not None
        wait_until_healthy(self._process, self._accepts_connections, NAME)

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
        """Fast shutdown, and let go of the folder."""
        if self._process:
            self._process.stop()
        self._lock.close()

    def _accepts_connections(self) -> bool:
        """Postgres itself writes into its pid file when it is ready, for the port and process written above it."""
        assert self._process is not None
        try:
            lines = (self.folder.postgres / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(self._process.pid) and lines[7].strip() == "ready"

    def _forget_killed_predecessor(self) -> None:
        """Remove the pid file of a server of ours that was killed; its number may be somebody else's by now.

        We hold the lock that each of its processes would still hold. A Postgres that others started here is not ours
        to judge: its pid file stays, and ours refuses to start.
        """
        pid_file = self.folder.postgres / "postmaster.pid"
        try:
            pid = pid_file.read_text().partition("\n")[0]
        except OSError:
            return
        if pid == str(self._lock.holder):
            pid_file.unlink()

    def _check_version(self, major: int) -> None:
        made_by = (self.folder.postgres / "PG_VERSION").read_text().strip()
        if made_by != str(major):
            raise EmbeddedError(
                f"{self.folder.postgres} was made by PostgreSQL {made_by}, but PostgreSQL {major} is installed: "
                f"install {made_by} again and move the data with pg_dump, or choose another folder "
                "with RIVERRUN_DATA_DIR."
            )

    def _options(self, major: int) -> Iterator[str]:
        settings = SETTINGS | {"port": str(self.port)} | ({} if self._durable else NOT_DURABLE)
        for name, value in settings.items():
            if major >= 18 or name not in SETTINGS_SINCE_18:
                yield from ("-c", f"{name}={value}")

    def _initialise(self, major: int) -> None:
        """Make the cluster beside its place and move it there whole: a half-made one is never used."""
        if major < POSTGRES_MAJOR_FLOOR:
            raise EmbeddedError(
                f"PostgreSQL {major} at {self._programs} is too old: install {POSTGRES_MAJOR_FLOOR} or newer, "
                "or set RIVERRUN_DATABASE_URL."
            )
        if self.folder.postgres.exists():
            raise EmbeddedError(
                f"{self.folder.postgres} is there but is no database of ours: move it away, "
                "or choose another folder with RIVERRUN_DATA_DIR."
            )
        unfinished = self.folder.root / "postgres.unfinished"
        with self.folder.explained():
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(mode=0o700)
            if self._account:
                os.chown(unfinished, self._account.user, self._account.group)
        self._run([self._programs / "initdb", f"--pgdata={unfinished}", *self._initdb_options()])
        self._create_database(unfinished)
        with self.folder.explained():
            (unfinished / "pg_hba.conf").write_text(CLIENT_AUTHENTICATION)
            unfinished.rename(self.folder.postgres)

    def _initdb_options(self) -> list[str]:
        """``trust`` is never served: our own rules replace it before the cluster moves to its place."""
        durability = [] if self._durable else ["--no-sync"]
        return [
            "--username=postgres",
            "--auth=trust",
            "--no-instructions",
            *LOCALE,
            "--set=huge_pages=off",
            *durability,
        ]

    def _create_database(self, cluster: Path) -> None:
        """Single-user mode needs no port, no password and no driver. Each line is a statement."""
        script = self.folder.root / "postgres.sql"
        self.folder.write_private(
            script,
            f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{self._passwords.postgres}'\n"
            f"CREATE DATABASE {DATABASE} OWNER {ROLE}\n",
        )
        options = ["--single", "-D", str(cluster), "-c", "exit_on_error=on", "postgres"]
        try:
            self._run([self._programs / "postgres", *options], input_path=script)
        finally:
            script.unlink()

    def _run(self, command: Sequence[str | Path], input_path: Path | None = None) -> None:
        """Run one of Postgres' programs to its end, as the user the server will run as."""
        process = GuardedProcess(
            command,
            log_path=self.folder.logs / "postgres-initialisation.log",
            input_path=input_path,
            account=self._account,
            folder=Path("/"),
            environment=server_environment(),
        )
        try:
            status = process.wait(INITIALISATION_SECONDS)
        except TimeoutError:
            process.kill()
            status = process.wait()
        if status != 0:
            raise failure(process, NAME)


def database_url(passwords: Passwords, port: int) -> str:
    """Of the embedded database on a port."""
    return f"postgresql://{ROLE}:{passwords.postgres}@{LOOPBACK}:{port}/{DATABASE}"


def serves_postgres(port: int) -> bool:
    """Whether a Postgres (that has no TLS, like ours) listens on the port."""
    return answers(port, SSL_REQUEST, NO_SSL)
