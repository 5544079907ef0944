"""Servers and workers die in mid-answer: the run goes on, and nobody's text differs from the stored one."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.fault_proxy import FaultProxy
from tests.support.indexing import index_folder
from tests.support.process_tree import frozen, kill_with_children
from tests.support.reading import ask, assert_exact, read_all, read_until, text_of
from tests.support.server_faults import restart
from tests.support.stacks import open_stack
from tests.support.waiting import wait_until

from riverrun.cli.child_environment import child_environment
from riverrun.cli.client import RiverrunClient
from riverrun.cli.client_errors import ClientError
from riverrun.cli.event_fold import EventFold, RunEvent
from riverrun.cli.run_follower import Backoff, RunFollower
from riverrun.cli.server_address import ServerAddress
from riverrun.cli.stack import Stack
from riverrun.embedded import EmbeddedServers
from riverrun.embedded.guarded_process import GuardedProcess

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

QUESTION = "How does the middleware compress responses?"
LEASE_SECONDS = 3
CHUNK_DELAY_MS = 60


class Site:
    """A stack on servers of its own, behind proxies that can lose the line."""

    def __init__(
        self,
        folder: Path,
        stack: Stack,
        client: RiverrunClient,
        servers: EmbeddedServers,
        database: FaultProxy,
        streams: FaultProxy,
    ) -> None:
        self.folder = folder
        self.stack = stack
        self.client = client
        self.servers = servers
        self.database = database
        self.streams = streams
        self.project_id = ""

    def ask(self) -> str:
        return ask(self.client, self.project_id, QUESTION)

    def follower(self, run_id: str) -> RunFollower:
        return RunFollower(self.client, run_id, backoff=Backoff(longest_seconds=0.5, patience_seconds=90))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, starlette_source: Path) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("faults")
    with (
        EmbeddedServers.start(folder / "servers") as servers,
        FaultProxy(port_of(servers.database_url)) as database,
        FaultProxy(port_of(servers.redis_url)) as streams,
        open_stack(
            folder / "data",
            RIVERRUN_DATABASE_URL=through(servers.database_url, database),
            RIVERRUN_REDIS_URL=through(servers.redis_url, streams),
            RIVERRUN_LEASE_SECONDS=LEASE_SECONDS,
            RIVERRUN_EXTRACTIVE_DELAY_MS=CHUNK_DELAY_MS,
        ) as stack,
        RiverrunClient(ServerAddress(stack.base_url, stack.token)) as client,
    ):
        site = Site(folder, stack, client, servers, database, streams)
        site.project_id = index_folder(client, starlette_source)["id"]
        yield site


@pytest.fixture(autouse=True)
def _mended(site: Site) -> Iterator[None]:
    """A test that fails in the middle of a fault leaves the lines whole for the next one."""
    yield
    site.streams.mend()
    site.database.mend()


def port_of(url: str) -> int:
    return int(url.rpartition("/")[0].rpartition(":")[2])


def through(url: str, proxy: FaultProxy) -> str:
    return url.replace(f":{port_of(url)}/", f":{proxy.port}/")


def follow_and(site: Site, run_id: str, in_mid_answer: Callable[[], None]) -> EventFold:
    """Read to the end as the command line does; do something after the fifth piece of text."""
    follower = site.follower(run_id)
    done = False
    for _ in follower.events():
        if not done and follower.fold.count("text") == 5:
            in_mid_answer()
            done = True
    assert done
    return follower.fold


def test_a_killed_worker_is_followed_by_a_second_attempt_that_the_reader_sees(site: Site) -> None:
    run_id = site.ask()
    seen: list[RunEvent] = []
    killed = False
    with site.client.events(run_id, "0-0") as stream:
        for event in stream:
            seen.append(event)
            if not killed and sum(one.type == "text" for one in seen) == 5:
                kill_with_children(site.stack.pids["worker-chats"])
                killed = True
    attempts = [event for event in seen if event.type == "attempt"]
    assert [event.data["attempt"] for event in attempts] == [2]
    assert seen[-1].type == "end"
    assert seen[-1].data["status"] == "completed"
    assert text_of(seen) == text_of(read_all(site.client, run_id))
    assert site.client.run(run_id)["attempt"] == 2


def test_a_reader_that_left_before_the_kill_comes_back_to_the_same_text(site: Site) -> None:
    run_id = site.ask()
    seen = read_until(site.client, run_id, "text")
    kill_with_children(site.stack.pids["worker-chats"])
    wait_until(lambda: site.client.run(run_id)["status"] == "completed", 60)
    seen += read_all(site.client, run_id, seen[-1].position)
    assert text_of(seen) == text_of(read_all(site.client, run_id))


def test_a_frozen_worker_is_taken_over_and_fenced_when_it_wakes(site: Site) -> None:
    run_id = site.ask()
    read_until(site.client, run_id, "text")
    with frozen(site.stack.pids["worker-chats"]), second_worker(site):
        wait_until(lambda: site.client.run(run_id)["attempt"] == 2, 60)
        wait_until(lambda: site.client.run(run_id)["status"] == "completed", 60)
        events = read_all(site.client, run_id)
    assert {event.data["attempt"] for event in events if event.type == "attempt"} == {2}
    assert read_all(site.client, site.ask())[-1].data["status"] == "completed"
    assert read_all(site.client, run_id) == events


@contextmanager
def second_worker(site: Site) -> Iterator[None]:
    """Another worker for chats beside the stack's own."""
    process = GuardedProcess(
        [sys.executable, "-m", "riverrun", "worker", "--queues", "chats", "--supervised"],
        log_path=site.folder / "second-worker.log",
        environment=child_environment(site.stack.settings, os.environ),
    )
    try:
        yield
    finally:
        process.stop()


def test_a_lost_line_to_the_streams_costs_no_event(site: Site) -> None:
    run_id = site.ask()

    def lose() -> None:
        site.streams.cut()
        site.streams.mend()

    assert follow_and(site, run_id, lose).text_is_exact
    assert_exact(read_all(site.client, run_id))


def test_a_valkey_that_is_killed_and_started_again_costs_no_event(site: Site) -> None:
    run_id = site.ask()

    def kill() -> None:
        site.streams.cut()
        os.kill(site.servers.pids["valkey"], signal.SIGKILL)
        site.streams.mend(restart(site.servers, "valkey"))

    assert follow_and(site, run_id, kill).text_is_exact
    assert_exact(read_all(site.client, run_id))
    assert read_all(site.client, site.ask())[-1].data["status"] == "completed"


def test_a_valkey_that_stays_away_leaves_the_answer_readable_from_the_record(site: Site) -> None:
    run_id = site.ask()
    fold = follow_and(site, run_id, site.streams.cut)
    assert fold.text_is_exact
    site.streams.mend()
    assert_exact(read_all(site.client, run_id))


def test_a_question_asked_while_the_broker_is_away_is_answered_when_it_is_back(site: Site) -> None:
    site.streams.cut()
    run_id = site.ask()
    assert site.client.run(run_id)["status"] == "queued"
    site.streams.mend()
    wait_until(lambda: site.client.run(run_id)["status"] == "completed", 60)
    assert_exact(read_all(site.client, run_id))


def test_a_postgres_that_is_killed_and_started_again_costs_no_event(site: Site) -> None:
    run_id = site.ask()

    def kill() -> None:
        site.database.cut()
        os.kill(site.servers.pids["postgres"], signal.SIGKILL)
        site.database.mend(restart(site.servers, "postgres"))

    assert follow_and(site, run_id, kill).text_is_exact
    wait_until(lambda: site.client.run(run_id)["status"] == "completed", 60)
    assert_exact(read_all(site.client, run_id))


def test_without_postgres_writes_are_refused_in_words_and_work_again_at_once(site: Site) -> None:
    site.database.cut()
    with pytest.raises(ClientError) as refusal:
        site.ask()
    assert getattr(refusal.value, "status", None) == 503
    site.database.mend()
    wait_until(lambda: answers(site), 20)
    assert read_all(site.client, site.ask())[-1].data["status"] == "completed"


def answers(site: Site) -> bool:
    try:
        site.client.projects()
    except ClientError:
        return False
    return True


def test_a_killed_api_is_back_and_the_reader_goes_on_where_it_was(site: Site) -> None:
    run_id = site.ask()
    fold = follow_and(site, run_id, lambda: kill_with_children(site.stack.pids["api"]))
    assert fold.text_is_exact
    assert_exact(read_all(site.client, run_id))


def test_an_api_that_is_asked_to_leave_tells_its_readers_their_position(site: Site) -> None:
    run_id = site.ask()
    seen: list[RunEvent] = []
    with site.client.events(run_id, "0-0") as stream:
        for event in stream:
            seen.append(event)
            if sum(one.type == "text" for one in seen) == 5 and event.type == "text":
                os.kill(site.stack.pids["api"], signal.SIGTERM)
    assert seen[-1].type == "reconnect"
    assert seen[-1].position == seen[-2].position
    wait_until(lambda: answers(site), 30)
    rest = read_all(site.client, run_id, seen[-1].position)
    assert seen[:-1] + rest == read_all(site.client, run_id)
