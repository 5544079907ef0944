"""The whole of Riverrun on one machine: servers, API and workers, as processes that end with this one."""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from riverrun.auth.sign_in import (
    AdministratorDisabled,
    ensure_administrator,
    issue_bearer_token,
    issue_one_time_token,
)
from riverrun.cli.child_environment import child_environment
from riverrun.cli.client_errors import ClientError
from riverrun.cli.disk_watch import DiskWatch
from riverrun.cli.listen_address import choose_free_port, local_url, require_free_port
from riverrun.cli.own_servers import require_both_or_neither, require_broker
from riverrun.cli.secret_key_file import ensure_key_file
from riverrun.cli.server_address import CLIENT_FILE
from riverrun.cli.supervisor import Child, Supervisor
from riverrun.embedded import EmbeddedError, EmbeddedServers
from riverrun.embedded.data_folder import DataFolder
from riverrun.embedded.guarded_process import GuardedProcess
from riverrun.infra.database import open_engine
from riverrun.infra.redis_clients import SyncRedis, open_redis
from riverrun.infra.settings import Settings
from riverrun.infra.worker_readiness import QUEUES, ready_key
from riverrun.migrations import upgrade
from riverrun.runs.lease_statements import end_all

READY_SECONDS = 60.0
GRACE_SECONDS = 2.8
"""How long API and workers may take to hand over (an idle Celery worker leaves after 2.7 s); with the servers' grace and
the end of this process itself the whole stack is gone within 5 s."""
PREDECESSOR_SECONDS = 6.0
POLL_SECONDS = 0.02


class StackError(ClientError):
    """The stack cannot run. ``log`` holds the last lines of the process that failed, if one did."""

    def __init__(self, words: str, log: str = "") -> None:
        super().__init__(words)
        self.log = log


class Stack:
    """Everything up, answering and watched over inside ``with``; everything gone after it.

    ``settings.port`` 0 takes a free port. ``say`` gets a line when something dies and is started again. Entering raises
    a ``ClientError`` or ``MissingSetting`` in words meant for the operator, and leaves nothing running.
    """

    def __init__(self, settings: Settings, say: Callable[[str], None] = lambda line: None) -> None:
        port = settings.port or choose_free_port(settings.host)
        self.settings = settings.model_copy(
            update={"port": port, "allow_local_paths": allows_local_paths(settings)}
        )
        self.base_url = local_url(self.settings.host, port)
        self.token = ""
        self.start_seconds = 0.0
        self._say = say
        self._servers: EmbeddedServers | None = None
        self._children: list[Child] = []
        self._supervisor: Supervisor | None = None

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by name: postgres and valkey when embedded, api, worker-chats, worker-indexing."""
        servers = self._servers.pids if self._servers else {}
        return servers | {child.name: child.process.pid for child in self._children}

    def sign_in_link(self) -> str:
        """A fresh link that signs the administrator in once. Raises ``StackError`` and ``AdministratorDisabled``."""
        engine = open_engine(self.settings.require_database_url(), pool_size=1)
        try:
            token = issue_one_time_token(engine, ensure_administrator(engine))
        except SQLAlchemyError as error:
            raise in_words(error) from error
        finally:
            engine.dispose()
        return f"{self.settings.public_url or self.base_url}/sign-in?token={token}"

    def __enter__(self) -> Self:
        began = time.monotonic()
        try:
            self._start()
        except (EmbeddedError, SQLAlchemyError, RedisError, httpx2.TransportError) as error:
            self.stop()
            raise in_words(error) from error
        except BaseException:
            self.stop()
            raise
        self.start_seconds = time.monotonic() - began
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self) -> None:
        folder = DataFolder(self.settings.data_dir)
        folder.prepare()
        ensure_key_file(self.settings)
        was_killed = folder.published() is not None  # Who is told to stop takes that back.
        self._open_servers(folder)
        upgrade(self.settings.require_database_url())
        self._forget_former_workers(were_killed=was_killed)
        self._spawn_children(folder.logs)
        self._wait_until_ready()
        self._write_client_file(folder)
        self._supervisor = Supervisor(self._children, self._servers, self._say, DiskWatch(folder.root))
        self._supervisor.start()

    def _open_servers(self, folder: DataFolder) -> None:
        """Own servers or embedded ones, after the cheap reasons why the stack could not run anyway."""
        require_both_or_neither(self.settings)
        is_embedded = not self.settings.database_url
        if is_embedded:
            refuse_if_held(folder, EmbeddedServers.find_running(folder.root))
        require_free_port(self.settings.host, self.settings.port, patience_for(folder))
        require_broker(self.settings)
        if is_embedded:
            self._servers = EmbeddedServers.start(folder.root, say=self._say)
            refuse_if_held(folder, self._servers)
            urls = {"database_url": self._servers.database_url, "redis_url": self._servers.redis_url}
            self.settings = self.settings.model_copy(update=urls)

    def _forget_former_workers(self, *, were_killed: bool) -> None:
        """On servers of our own no worker of before is alive: what it was at goes on now, not when its lease has run out.

        A stop is nobody's death, even when it took the servers first and the workers could hand nothing over.
        """
        with open_redis(self.settings.require_redis_url()) as redis:
            redis.delete(*self._ready_keys())
        if self._servers:
            engine = open_engine(self.settings.require_database_url(), pool_size=1)
            try:
                with engine.begin() as connection:
                    connection.execute(end_all(are_deaths=were_killed))
            finally:
                engine.dispose()

    def _ready_keys(self) -> list[str]:
        return [ready_key(work) for work in QUEUES]

    def _spawn_children(self, logs: Path) -> None:
        environment = child_environment(self.settings, os.environ)

        def child(name: str, *arguments: str) -> Child:
            return Child(name, logs / f"{name}.log", lambda log_path: spawn(arguments, log_path, environment))

        self._children.append(child("api", "api"))
        for work in QUEUES:
            self._children.append(child(f"worker-{work}", "worker", "--queues", work, "--supervised"))

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        with open_redis(self.settings.require_redis_url()) as redis, httpx2.Client(timeout=2.0) as http:
            while not (consumes(redis, self._ready_keys()) and is_ready(http, self.base_url)):
                for child in self._children:
                    if child.process.returncode is not None:
                        raise StackError(
                            f"the process {child.name} could not start", child.process.log_tail()
                        )
                if time.monotonic() >= deadline:
                    raise StackError(
                        f"not ready within {READY_SECONDS:.0f} s; the logs are in {self.settings.data_dir / 'logs'}"
                    )
                time.sleep(POLL_SECONDS)

    def _write_client_file(self, folder: DataFolder) -> None:
        """Where the commands find this server. A token that is good already stays as it is."""
        path = folder.root / CLIENT_FILE
        self.token = former_token(path)
        if not self.token or not is_accepted(self.base_url, self.token):
            engine = open_engine(self.settings.require_database_url(), pool_size=1)
            try:
                self.token = issue_bearer_token(engine, ensure_administrator(engine), "command line")
            except AdministratorDisabled:
                self.token = ""
            finally:
                engine.dispose()
        folder.write_private(path, json.dumps({"base_url": self.base_url, "token": self.token}))

    def stop(self) -> None:
        """End every process: first those that serve and work, all at once, then the servers they use."""
        supervised = self._supervisor is None or self._supervisor.stop()
        for child in self._children:
            child.process.ask_to_stop()
        for child in self._children:
            child.process.wait()
        if self._servers:
            if not supervised:
                self._servers.kill()
            self._servers.stop()

    def kill(self) -> None:
        """End every process now; nothing acknowledged is lost."""
        for child in self._children:
            child.process.kill()
        if self._servers:
            self._servers.kill()


def refuse_if_held(folder: DataFolder, servers: EmbeddedServers | None) -> None:
    """Two stacks on one folder would be one stack that ends in the middle of the other. Raises ``StackError``."""
    if servers and not servers.owned:
        raise StackError(
            f"Riverrun already runs on {folder.root} (process {servers.owner_pid}): "
            "use that one, or choose another folder with --data-dir and another --port"
        )


def allows_local_paths(settings: Settings) -> bool:
    """On one's own machine folders may be indexed, unless the operator says otherwise."""
    return settings.allow_local_paths or "allow_local_paths" not in settings.model_fields_set


def patience_for(folder: DataFolder) -> float:
    """How long the port may still be in use: a predecessor that was killed needs seconds to be cleared away."""
    state = folder.published()
    if state is None:
        return 0.0
    try:
        os.kill(state.owner_pid, 0)
    except ProcessLookupError:
        return PREDECESSOR_SECONDS
    except PermissionError:
        pass
    return 0.0


def spawn(
    arguments: tuple[str, ...], log_path: Path | None, environment: Mapping[str, str]
) -> GuardedProcess:
    return GuardedProcess(
        [sys.executable, "-m", "riverrun", *arguments],
        log_path=log_path,
        environment=environment,
        grace_seconds=GRACE_SECONDS,
    )


def in_words(error: Exception) -> StackError:
    """What a server of ours or of the operator's said, as one line for a person."""
    match error:
        case EmbeddedError():
            words, _, log = str(error).partition("\n")
            return StackError(words, log)
        case SQLAlchemyError():
            return StackError(f"the database cannot be used ({reason(error)}): check RIVERRUN_DATABASE_URL")
        case RedisError():
            return StackError(f"Redis cannot be used ({error}): check RIVERRUN_REDIS_URL")
        case _:
            return StackError(f"the API does not answer ({error or type(error).__name__}): see api.log")


def consumes(redis: SyncRedis, ready_keys: Sequence[str]) -> bool:
    """Whether all queues have a worker; a server that is not to be asked just now is asked again."""
    try:
        return redis.exists(*ready_keys) == len(ready_keys)
    except RedisError:
        return False


def is_ready(http: httpx2.Client, base_url: str) -> bool:
    try:
        return http.get(f"{base_url}/health/ready").status_code == httpx2.codes.OK
    except httpx2.TransportError:
        return False


def former_token(path: Path) -> str:
    try:
        return str(json.loads(path.read_text())["token"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def is_accepted(base_url: str, token: str) -> bool:
    response = httpx2.get(f"{base_url}/api/v1/account/me", headers={"Authorization": f"Bearer {token}"})
    return response.status_code == httpx2.codes.OK


def reason(error: SQLAlchemyError) -> str:
    """The driver's own first line."""
    return str(getattr(error, "orig", None) or error).splitlines()[0]
