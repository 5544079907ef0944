"""Workers that are told to leave, that are deaf, and that crash: their runs go on, soon, and nobody's text differs."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from tests.support.indexing import index_folder
from tests.support.process_tree import command_of, descendants, is_alive
from tests.support.reading import ask, assert_exact, read_all, read_until
from tests.support.run_reading import row_of
from tests.support.stacks import open_stack
from tests.support.waiting import wait_until

from riverrun.cli.client import RiverrunClient
from riverrun.cli.server_address import ServerAddress
from riverrun.cli.stack import Stack, child_environment
from riverrun.embedded.guarded_process import GuardedProcess
from riverrun.infra.celery_app import configure_celery, queue_name
from riverrun.infra.database import open_engine

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

QUESTION = "How does the middleware compress responses?"
LEASE_SECONDS = 60
"""So long that no run of these tests is ever taken over because its lease ran out."""
DEAF_SECONDS = 2
CHUNK_DELAY_MS = 150


class Site:
    """A stack whose runs last seconds, and leases longer than a test."""

    def __init__(self, stack: Stack, client: RiverrunClient, folder: Path, source: Path) -> None:
        self.stack = stack
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
        open_stack(
            folder / "data",
            RIVERRUN_LEASE_SECONDS=LEASE_SECONDS,
            RIVERRUN_DEAF_SECONDS=DEAF_SECONDS,
            RIVERRUN_EXTRACTIVE_DELAY_MS=CHUNK_DELAY_MS,
        ) as stack,
        RiverrunClient(ServerAddress(stack.base_url, stack.token)) as client,
    ):
        site = Site(stack, client, folder, starlette_source)
        yield site
        site.engine.dispose()


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
    began = time.monotonic()
    worker.terminate()
    wait_until(lambda: not is_alive(worker), 6)
    ended_after = time.monotonic() - began
    wait_until(lambda: site.status(run_id) == "completed", 30)
    events = read_all(site.client, run_id)
    assert_exact(events)
    assert [event.data["attempt"] for event in events if event.type == "attempt"] == [2]
    assert row_of(site.engine, run_id).deaths == 0
    assert ended_after < 5


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
            began = time.monotonic()
            os.kill(hosted.pid, signal.SIGTERM)
            assert hosted.wait(6) == 0
            assert time.monotonic() - began < 5
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
