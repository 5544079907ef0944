"""The embedded PostgreSQL server."""

import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from riverrun.embedded.binaries import POSTGRES_MAJOR_FLOOR, find_postgres_folder, version_of
from riverrun.embedded.data_folder import DataFolder, Passwords
from riverrun.embedded.errors import EmbeddedError
from riverrun.embedded.guarded_process import GuardedProcess
from riverrun.embedded.server_process import ServerProcess, answers, failure, server_environment
from riverrun.embedded.unprivileged import account_for, require_owner
from riverrun.kit.free_port import LOOPBACK

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


class PostgresServer(ServerProcess):
    """One cluster in the data folder, made at its first start."""

    name = "Postgres"
    stop_signal = signal.SIGINT
    """Postgres' fast shutdown: sessions are ended, nothing is lost."""

    def __init__(self, folder: DataFolder, passwords: Passwords, *, durable: bool) -> None:
        super().__init__(folder, passwords, durable=durable)
        self._programs = find_postgres_folder()
        self.account = account_for(self._programs / "postgres", folder.postgres)

    @cached_property
    def _major(self) -> int:
        """The release of the programs."""
        return int(version_of(self._programs / "postgres").partition(".")[0])

    @property
    def database_url(self) -> str:
        return database_url(self._passwords, self.port)

    def _prepare(self) -> None:
        self._forget_killed_predecessor()
        if (self.folder.postgres / "PG_VERSION").exists():
            self._check_version()
            require_owner(self.folder.postgres, self.account)
        else:
            self._initialise()

    def _command(self) -> list[str | Path]:
        return [self._programs / "postgres", "-D", self.folder.postgres, *self._options()]

    def _is_healthy(self) -> bool:
        return self._state() == "ready"

    def _says_it_recovers(self) -> bool:
        return self._state() == "starting"

    def _state(self) -> str:
        """Postgres itself writes it into its pid file, for the port and process written above it."""
        assert self._process is not None
        try:
            lines = (self.folder.postgres / "postmaster.pid").read_text().splitlines()
        except OSError:
            return ""
        return lines[7].strip() if len(lines) >= 8 and lines[0] == str(self._process.pid) else ""

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

    def _check_version(self) -> None:
        made_by = (self.folder.postgres / "PG_VERSION").read_text().strip()
        if made_by != str(self._major):
            raise EmbeddedError(
                f"{self.folder.postgres} was made by PostgreSQL {made_by}, but PostgreSQL {self._major} is installed: "
                f"install {made_by} again and move the data with pg_dump, or choose another folder "
                "with RIVERRUN_DATA_DIR."
            )

    def _options(self) -> Iterator[str]:
        settings = SETTINGS | {"port": str(self.port)} | ({} if self._durable else NOT_DURABLE)
        for name, value in settings.items():
            if self._major >= 18 or name not in SETTINGS_SINCE_18:
                yield from ("-c", f"{name}={value}")

    def _initialise(self) -> None:
        """Make the cluster beside its place and move it there whole: a half-made one is never used."""
        if self._major < POSTGRES_MAJOR_FLOOR:
            raise EmbeddedError(
                f"PostgreSQL {self._major} at {self._programs} is too old: install {POSTGRES_MAJOR_FLOOR} or newer, "
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
            if self.account:
                os.chown(unfinished, self.account.user, self.account.group)
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
            account=self.account,
            folder=Path("/"),
            environment=server_environment(),
        )
        try:
            status = process.wait(INITIALISATION_SECONDS)
        except TimeoutError:
            process.kill()
            status = process.wait()
        if status != 0:
            raise failure(process, self.name)


def database_url(passwords: Passwords, port: int) -> str:
    """Of the embedded database on a port."""
    return f"postgresql://{ROLE}:{passwords.postgres}@{LOOPBACK}:{port}/{DATABASE}"


def serves_postgres(port: int) -> bool:
    """Whether a Postgres (that has no TLS, like ours) listens on the port."""
    return answers(port, SSL_REQUEST, NO_SSL)
