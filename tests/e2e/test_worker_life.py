"""Workers that are told to leave, that are deaf, and that crash: their runs go on, soon, and nobody's text differs."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from sqlalchemy import select
from tests.support.fault_proxy import FaultProxy
from tests.support.indexing import index_folder
from tests.support.process_tree import command_of, descendants, is_alive
from tests.support.reading import ask, assert_exact, read_all, read_until
from tests.support.run_reading import expire_lease, row_of
from tests.support.stacks import open_stack
from tests.support.waiting import wait_until

from riverrun.cli import supervisor
from riverrun.cli.child_environment import child_environment
from riverrun.cli.client import RiverrunClient
from riverrun.cli.server_address import ServerAddress
from riverrun.cli.stack import Stack
from riverrun.embedded import EmbeddedServers
from riverrun.embedded.guarded_process import GuardedProcess
from riverrun.infra.celery_app import configure_celery, queue_name
from riverrun.infra.database import open_engine
from riverrun.infra.redis_clients import database_of
from riverrun.parsing.models import SourceFile

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

QUESTION = "How does the middleware compress responses?"
LEASE_SECONDS = 60
"""So long that no run of these tests is ever taken over because its lease ran out."""
ENDS_WITHIN_SECONDS = 8.0
"""Five on a machine that has nothing else to do."""
SOON_SECONDS = 30.0
"""Ten there; and half a lease, so that no lease has run out meanwhile."""
DEAF_SECONDS = 3
CHUNK_DELAY_MS = 150
RESTART_DELAY_SECONDS = 0.2
"""However often: these tests end workers by the dozen, and whose turn is last would wait 30 s for the next one."""


class Site:
    """A stack whose runs last seconds, and leases longer than a test; the broker is behind a proxy that can be cut."""

    def __init__(
        self, stack: Stack, client: RiverrunClient, folder: Path, source: Path, broker: FaultProxy
    ) -> None:
        self.stack = stack
        self.broker = broker
        self.client = client
        self.folder = folder
        self.engine = open_engine(stack.settings.require_database_url(), pool_size=1)
        self.project_id = index_folder(client, source)["id"]

    def ask(self) -> str:
        return ask(self.client, self.project_id, QUESTION)

    def status(self, run_id: str) -> str:
        return self.client.run(run_id)["status"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, starlette_source: Path) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("worker-life")
    with (
        pytest.MonkeyPatch.context() as patch,
        EmbeddedServers.start(folder / "servers") as servers,
        FaultProxy(port_of(servers.redis_url)) as broker,
        open_stack(
            folder / "data",
            RIVERRUN_DATABASE_URL=servers.database_url,
            RIVERRUN_REDIS_URL=servers.redis_url,
            RIVERRUN_BROKER_URL=database_of(through(servers.redis_url, broker), 1),
            RIVERRUN_LEASE_SECONDS=LEASE_SECONDS,
            RIVERRUN_DEAF_SECONDS=DEAF_SECONDS,
            RIVERRUN_EXTRACTIVE_DELAY_MS=CHUNK_DELAY_MS,
        ) as stack,
        RiverrunClient(ServerAddress(stack.base_url, stack.token)) as client,
    ):
        patch.setattr(supervisor, "LONGEST_DELAY_SECONDS", RESTART_DELAY_SECONDS)
        site = Site(stack, client, folder, starlette_source, broker)
        yield site
        site.engine.dispose()


@pytest.fixture(autouse=True)
def _mended(site: Site) -> Iterator[None]:
    """A test that fails in the middle of an outage leaves the line whole for the next one."""
    yield
    site.broker.mend()


def port_of(url: str) -> int:
    return int(url.rpartition("/")[0].rpartition(":")[2])


def through(url: str, proxy: FaultProxy) -> str:
    return url.replace(f":{port_of(url)}/", f":{proxy.port}/")


@contextmanager
def hosted_worker(site: Site, *arguments: str) -> Iterator[GuardedProcess]:
    """``riverrun worker`` as an operator starts it, beside the stack's own."""
    process = GuardedProcess(
        [sys.executable, "-m", "riverrun", "worker", *arguments],
        log_path=site.folder / "hosted-worker.log",
        environment=child_environment(site.stack.settings, os.environ),
        grace_seconds=10,
    )
    try:
        yield process
    finally:
        process.stop()


def pool_of(pid: int) -> list[psutil.Process]:
    """The processes that work for a worker's main process."""
    return [one for one in descendants(pid) if one.ppid() == pid]


def test_a_worker_that_is_told_to_end_hands_its_run_over_at_once(site: Site) -> None:
    run_id = site.ask()
    read_until(site.client, run_id, "text")
    worker = psutil.Process(site.stack.pids["worker-chats"])
    worker.terminate()
    wait_until(lambda: not is_alive(worker), ENDS_WITHIN_SECONDS)
    wait_until(lambda: site.status(run_id) == "completed", 30)
    events = read_all(site.client, run_id)
    assert_exact(events)
    assert [event.data["attempt"] for event in events if event.type == "attempt"] == [2]
    assert row_of(site.engine, run_id).deaths == 0


def test_orderly_hand_overs_are_no_deaths_and_poison_nothing(site: Site) -> None:
    run_id = site.ask()
    hand_overs = site.stack.settings.max_attempts
    for attempt in range(1, hand_overs + 1):
        wait_until(lambda attempt=attempt: row_of(site.engine, run_id).attempt == attempt, SOON_SECONDS)
        worker = psutil.Process(site.stack.pids["worker-chats"])
        worker.terminate()
        wait_until(lambda worker=worker: not is_alive(worker), ENDS_WITHIN_SECONDS)
    wait_until(lambda: site.status(run_id) == "completed", 60)
    assert (row_of(site.engine, run_id).attempt, row_of(site.engine, run_id).deaths) == (hand_overs + 1, 0)
    assert_exact(read_all(site.client, run_id))


def test_a_service_manager_that_signals_every_process_kills_no_run_either(site: Site) -> None:
    run_id = site.ask()
    read_until(site.client, run_id, "text")
    pid = site.stack.pids["worker-chats"]
    for one in [psutil.Process(pid), *descendants(pid)]:
        one.terminate()
    wait_until(lambda: site.status(run_id) == "completed", 30)
    assert_exact(read_all(site.client, run_id))
    assert (row_of(site.engine, run_id).attempt, row_of(site.engine, run_id).deaths) == (2, 0)


def test_a_worker_on_its_own_ends_in_time_with_a_run_under_way_and_leaves_nothing(site: Site) -> None:
    with hosted_worker(site) as hosted:
        wait_until(lambda: len(ready_workers(hosted.pid)) == 2, 60)
        site_worker = psutil.Process(site.stack.pids["worker-chats"])
        site_worker.suspend()
        try:
            run_id = site.ask()
            read_until(site.client, run_id, "text")
            processes = descendants(hosted.pid)
            os.kill(hosted.pid, signal.SIGTERM)
            assert hosted.wait(ENDS_WITHIN_SECONDS) == 0
            assert not any(map(is_alive, processes))
            assert row_of(site.engine, run_id).lease_owner is None
        finally:
            site_worker.resume()
    wait_until(lambda: site.status(run_id) == "completed", 30)
    assert_exact(read_all(site.client, run_id))


def ready_workers(pid: int) -> list[psutil.Process]:
    """The main processes of a host's workers whose pools are there."""
    return [one for one in descendants(pid) if "--supervised" in command_of(one) and len(pool_of(one.pid)) > 0
            and "guard.py" not in command_of(one)]  # fmt: skip


def test_a_worker_that_no_longer_hears_its_queue_is_started_again_and_the_runs_complete(site: Site) -> None:
    deaf = site.stack.pids["worker-chats"]
    make_deaf(site)
    run_id = site.ask()
    wait_until(lambda: site.stack.pids["worker-chats"] != deaf, 30)
    wait_until(lambda: site.status(run_id) == "completed", 40)
    assert_exact(read_all(site.client, run_id))
    assert "does not hear the queue" in (site.stack.settings.data_dir / "logs/worker-chats.log").read_text()


def make_deaf(site: Site) -> None:
    """The chats worker consumes nothing any more; its heart beats on, and it answers to remote control."""
    app = configure_celery(site.stack.settings)
    replies = app.control.cancel_consumer(queue_name(site.stack.settings, "chats"), reply=True, timeout=10)
    assert any("no longer consuming" in str(reply) for reply in replies)
    app.close()


def test_a_worker_with_its_hands_full_is_not_deaf(site: Site) -> None:
    worker = site.stack.pids["worker-chats"]
    runs = [site.ask() for _ in range(site.stack.settings.chat_concurrency * 2)]
    wait_until(lambda: all(site.status(run_id) == "completed" for run_id in runs), 120)
    assert site.stack.pids["worker-chats"] == worker
    assert {site.client.run(run_id)["attempt"] for run_id in runs} == {1}


def test_a_worker_whose_process_is_stuck_ends_in_time_and_its_run_is_not_lost(site: Site) -> None:
    run_id = site.ask()
    read_until(site.client, run_id, "text")
    worker = psutil.Process(site.stack.pids["worker-chats"])
    busy = next(
        one for one in pool_of(worker.pid) if f":{one.pid}:" in row_of(site.engine, run_id).lease_owner
    )
    busy.suspend()
    worker.terminate()
    wait_until(lambda: not is_alive(worker) and not is_alive(busy), ENDS_WITHIN_SECONDS)
    expire_lease(
        site.engine, run_id
    )  # a frozen process cannot give its lease back: that is what leases are for
    wait_until(lambda: site.status(run_id) == "completed", 40)
    assert row_of(site.engine, run_id).deaths == 1
    assert_exact(read_all(site.client, run_id))


def test_an_indexing_that_is_handed_over_goes_on_where_it_was(
    site: Site, starlette_source: Path, tmp_path: Path
) -> None:
    for number in range(40):
        shutil.copytree(starlette_source, tmp_path / "large" / f"copy_{number}")
    started = site.client.parse({"repo_path": str(tmp_path / "large")})
    run_id = started["run_id"]
    stored = wait_until(lambda: files_stored(site, started["project_id"]), 60)
    psutil.Process(site.stack.pids["worker-indexing"]).terminate()
    events = read_all(site.client, run_id)
    assert_exact(events)
    assert events[-1].data["status"] == "completed"
    assert (row_of(site.engine, run_id).attempt, row_of(site.engine, run_id).deaths) == (2, 0)
    taken_over = next(event for event in events if event.type == "attempt")
    assert taken_over.data["keeps_seq"] == taken_over.seq - 1 > 2
    assert stored < files_stored(site, started["project_id"]), "what was stored is not stored again"


def files_stored(site: Site, project_id: str) -> set[int]:
    """The rows of a project's files; a file that is read again gets a new one."""
    with site.engine.connect() as connection:
        return set(connection.scalars(select(SourceFile.id).where(SourceFile.project_id == project_id)))


def test_a_broker_that_goes_while_a_run_is_acknowledged_costs_seconds_at_most(site: Site) -> None:
    for _ in range(4):
        run_id = site.ask()
        read_until(site.client, run_id, "end")
        site.broker.cut()  # now the worker's main process tells the broker that the task is done
        waiting = site.ask()
        site.broker.mend()
        wait_until(lambda run_id=waiting: site.client.run(run_id)["started_at"] is not None, SOON_SECONDS)
        wait_until(lambda run_id=waiting: site.status(run_id) == "completed", 40)


def test_a_long_outage_of_the_broker_is_not_taken_for_deafness(site: Site) -> None:
    worker = site.stack.pids["worker-chats"]
    run_id = site.ask()
    read_until(site.client, run_id, "text")
    site.broker.cut()
    waiting = site.ask()
    wait_until(lambda: site.status(run_id) == "completed", 40)
    longer_than_deafness = time.monotonic() + 2 * DEAF_SECONDS
    wait_until(lambda: time.monotonic() > longer_than_deafness)
    site.broker.mend()
    wait_until(lambda: site.client.run(waiting)["started_at"] is not None, SOON_SECONDS)
    assert site.client.run(run_id)["attempt"] == 1
    assert site.stack.pids["worker-chats"] == worker


def test_a_main_process_that_crashes_is_started_again_and_leaves_no_process_behind(site: Site) -> None:
    run_id = site.ask()
    read_until(site.client, run_id, "text")
    pid = site.stack.pids["worker-chats"]
    pool = pool_of(pid)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(map(is_alive, pool)), 5)
    expire_lease(site.engine, run_id)
    wait_until(lambda: site.client.run(run_id)["attempt"] == 2, SOON_SECONDS)
    wait_until(lambda: site.status(run_id) == "completed", 40)
    assert_exact(read_all(site.client, run_id))
