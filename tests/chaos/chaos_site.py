"""Everything that the chaos is let loose on, as processes: API x2, worker x2, Postgres, Valkey, and a fake model."""

import os
import re
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import psutil
import psycopg
import redis
from tests.chaos.effect_tool import WORLD_VARIABLE
from tests.chaos.lossy_proxy import LossyProxy
from tests.support.accounts import bearer_token_of_a_stranger
from tests.support.indexing import index_folder
from tests.support.process_tree import descendants, kill_with_children
from tests.support.scripted_model import NAME, ScriptedModel, scripted_model
from tests.support.tenant_canaries import Tenant, plant_tenant
from tests.support.waiting import wait_until

from riverrun.auth.sign_in import ensure_administrator, issue_bearer_token
from riverrun.cli.child_environment import child_environment
from riverrun.cli.client import RiverrunClient
from riverrun.cli.server_address import ServerAddress
from riverrun.embedded import EmbeddedServers
from riverrun.embedded.guarded_process import GuardedProcess
from riverrun.infra.database import open_engine
from riverrun.infra.settings import Settings
from riverrun.kit.free_port import free_port
from riverrun.migrations import upgrade

REPOSITORY = Path(__file__).parents[2]
LEASE_SECONDS = 2.0
HEARTBEAT_SECONDS = 1.0
SLOTS_A_WORKER = 2
APIS = ("api-a", "api-b")
WORKERS = ("worker-1", "worker-2")
PATIENCE_SECONDS = 30.0
EXIT_SECONDS = 20.0
"""A process of ours leaves in five; on a machine that is busy with more than all of this, later. One that hangs never does."""
WORKER_IS_READY = re.compile(rb"@\S+ ready\.")


class ChaosSite:
    """The processes by their names, how to hurt them, and how to heal all. ``mutant`` is patched into our own ones."""

    def __init__(self, folder: Path, servers: EmbeddedServers, model: ScriptedModel) -> None:
        self.folder = folder
        self.servers = servers
        self.model = model
        self.project_id = ""
        self.token = ""
        self.stranger_token = ""
        self.tenant: Tenant
        self.proxies = {name: LossyProxy(_port_of(servers.redis_url)) for name in APIS}
        self.ports = {name: free_port() for name in APIS}
        self.frozen: set[str] = set()
        self.mutant = ""
        self._processes: dict[str, GuardedProcess] = {}
        self._born_at: dict[str, int] = {}

    @property
    def pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self._processes.items()}

    @property
    def world(self) -> Path:
        """What the agent's tool has changed."""
        return self.folder / "world.txt"

    def log_path(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def start(self, *names: str) -> None:
        """Start processes of ours; they are ready a few seconds later."""
        for name in names:
            log = self.log_path(name)
            self._born_at[name] = log.stat().st_size if log.exists() else 0
            self._processes[name] = GuardedProcess(
                [sys.executable, "-m", "tests.chaos.mutants", self.mutant, *self._arguments(name)],
                log_path=log,
                environment=self._environment(name),
                folder=REPOSITORY,
                grace_seconds=EXIT_SECONDS + 1,
            )

    def _arguments(self, name: str) -> list[str]:
        if name in APIS:
            return ["api", "--port", str(self.ports[name])]
        queue = "chats" if name in WORKERS else name
        return ["worker", "--queues", queue, "--supervised"]

    def _environment(self, name: str) -> dict[str, str]:
        redis_url = self.servers.redis_url
        if name in APIS:
            redis_url = redis_url.replace(f":{_port_of(redis_url)}/", f":{self.proxies[name].port}/")
        settings = Settings(
            data_dir=self.folder / "data",
            database_url=self.servers.database_url,
            redis_url=redis_url,
            model=NAME,
            model_base_url=self.model.base_url,
            allow_local_paths=True,
            lease_seconds=LEASE_SECONDS,
            heartbeat_seconds=HEARTBEAT_SECONDS,
            chat_concurrency=SLOTS_A_WORKER,
            posts_per_minute=0,
            streams_per_minute=0,
        )
        return child_environment(settings, free_environment(os.environ)) | {WORLD_VARIABLE: str(self.world)}

    def stop(self, *names: str) -> None:
        """End processes of ours, all of them unless named."""
        for name in names or tuple(self._processes):
            self.thaw(name)
            self._processes[name].ask_to_stop()
        for name in names or tuple(self._processes):
            self._processes.pop(name).wait(10)

    def kill(self, name: str) -> None:
        """``kill -9`` with all below it, and start it again, as its supervisor would."""
        self.frozen.discard(name)
        with suppress(psutil.NoSuchProcess):
            kill_with_children(self._processes[name].pid)
        self._processes[name].wait(10)
        self.start(name)

    def retire(self, name: str) -> None:
        """SIGTERM, and start it again when it is gone. Raises ``TimeoutError`` when it does not go in time."""
        self.thaw(name)
        self._processes[name].ask_to_stop()
        try:
            self._processes[name].wait(EXIT_SECONDS)
        finally:
            self.kill(name)

    def become(self, mutant: str) -> None:
        """Run all processes of ours without the guard that ``mutant`` takes out, or whole again."""
        if mutant != self.mutant:
            self.mutant = mutant
            for name in (*APIS, *WORKERS):
                self.kill(name)
        self.heal()

    def freeze(self, name: str) -> None:
        """SIGSTOP to the process and all below it."""
        self._signal(name, signal.SIGSTOP)
        self.frozen.add(name)

    def thaw(self, name: str) -> None:
        self._signal(name, signal.SIGCONT)
        self.frozen.discard(name)

    def _signal(self, name: str, number: signal.Signals) -> None:
        pid = self._processes[name].pid
        for one in (pid, *(below.pid for below in descendants(pid))):
            with suppress(ProcessLookupError):
                os.kill(one, number)

    def kill_server(self, name: str) -> None:
        """``kill -9`` of ``postgres`` or ``valkey``, and the same server again, on its port and data."""
        owned = self.servers._owned
        assert owned is not None
        os.kill(self.servers.pids[name], signal.SIGKILL)
        server = owned.postgres if name == "postgres" else owned.valkey
        wait_until(lambda: server.is_dead, what=f"the death of {name}")
        self.servers.revive()

    @contextmanager
    def redis(self) -> Iterator[redis.Redis]:
        """The streams' database, past the proxies."""
        with redis.Redis.from_url(self.servers.redis_url, socket_timeout=5) as client:
            yield client

    @contextmanager
    def sql(self) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
        with psycopg.connect(self.servers.database_url, autocommit=True, connect_timeout=5) as connection:
            yield connection

    def heal(self) -> None:
        """Undo every fault, and return when all processes are there again."""
        for name in tuple(self.frozen):
            self.thaw(name)
        for proxy in self.proxies.values():
            proxy.forgive()
        with self.redis() as client:
            client.execute_command("CLIENT", "UNPAUSE")
        for name, process in tuple(self._processes.items()):
            if process.returncode is not None:
                self.start(name)
        wait_until(self.is_ready, PATIENCE_SECONDS, what="all processes")

    def is_ready(self) -> bool:
        return all(self._serves(name) for name in APIS) and all(self._works(name) for name in WORKERS)

    def _serves(self, name: str) -> bool:
        try:
            url = f"http://127.0.0.1:{self.ports[name]}/health/ready"
            return httpx2.get(url, timeout=3).status_code == 200
        except httpx2.TransportError:
            return False

    def _works(self, name: str) -> bool:
        with self.log_path(name).open("rb") as log:
            log.seek(self._born_at[name])
            return WORKER_IS_READY.search(log.read()) is not None

    def close(self) -> None:
        """End everything."""
        with suppress(TimeoutError):
            self.stop()
        for proxy in self.proxies.values():
            proxy.__exit__()


@contextmanager
def chaos_site(folder: Path, *, mutant: str = "") -> Iterator[ChaosSite]:
    """All up, with an indexed repository to ask about."""
    folder.mkdir(parents=True, exist_ok=True)
    with EmbeddedServers.start(folder / "servers") as servers, scripted_model() as model:
        site = ChaosSite(folder, servers, model)
        site.mutant = mutant
        try:
            upgrade(servers.database_url)
            _make_accounts(site)
            site.start("indexing", *APIS, *WORKERS)
            wait_until(site.is_ready, PATIENCE_SECONDS, what="the start")
            site.project_id = _index(site)
            site.stop("indexing")
            yield site
        finally:
            site.close()


def _make_accounts(site: ChaosSite) -> None:
    engine = open_engine(site.servers.database_url, pool_size=1)
    try:
        site.token = issue_bearer_token(engine, ensure_administrator(engine), "chaos")
    finally:
        engine.dispose()
    site.stranger_token = bearer_token_of_a_stranger(site.servers.database_url)
    site.tenant = plant_tenant(site.servers.database_url)


def _index(site: ChaosSite) -> str:
    source = site.folder / "repository"
    source.mkdir(exist_ok=True)
    (source / "tide.py").write_text("def rise(metres: float) -> float:\n    return metres + 1\n")
    address = ServerAddress(f"http://127.0.0.1:{site.ports[APIS[0]]}", site.token)
    with RiverrunClient(address) as client:
        return str(index_folder(client, source)["id"])


def free_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Without settings of whoever runs the chaos."""
    return {name: value for name, value in variables.items() if not name.startswith("RIVERRUN_")}


def _port_of(url: str) -> int:
    return int(url.rpartition("/")[0].rpartition(":")[2])
