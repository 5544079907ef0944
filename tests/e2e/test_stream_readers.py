"""The plan's reader in real processes: it is cut anywhere and resumed, and lets its server go."""

import os
import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.indexing import index_folder
from tests.support.reading import ask, assert_whole, read_all, read_some
from tests.support.stacks import open_stack
from tests.support.waiting import wait_until

from riverrun.cli.client import RiverrunClient
from riverrun.cli.client_errors import ServerUnreachable
from riverrun.cli.event_fold import RunEvent
from riverrun.cli.server_address import ServerAddress
from riverrun.cli.stack import Stack

QUESTION = "Where are background tasks run after a response was sent?"


@pytest.fixture(scope="module")
def threaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    variables = {"RIVERRUN_STREAM_READER": "threadpool", "RIVERRUN_EXTRACTIVE_DELAY_MS": 30}
    with open_stack(tmp_path_factory.mktemp("threaded"), **variables) as stack:
        yield stack


@pytest.fixture(scope="module")
def caller(threaded: Stack) -> Iterator[RiverrunClient]:
    with RiverrunClient(ServerAddress(threaded.base_url, threaded.token)) as client:
        yield client


@pytest.fixture(scope="module")
def repository(caller: RiverrunClient, starlette_source: Path) -> str:
    return str(index_folder(caller, starlette_source)["id"])


@pytest.mark.e2e
def test_an_answer_cut_at_random_events_is_read_whole_on_the_thread_pool(
    caller: RiverrunClient, repository: str
) -> None:
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    run_id = ask(caller, repository, QUESTION)
    seen: list[RunEvent] = []
    while not seen or seen[-1].type != "end":
        seen += read_some(caller, run_id, dice.randint(1, 9), seen[-1].position if seen else "0-0")
    assert seen == read_all(caller, run_id), f"seed {seed}"
    assert_whole(seen)


@pytest.mark.e2e
def test_readers_on_the_thread_pool_are_sent_away_at_sigterm_and_come_back(
    threaded: Stack, caller: RiverrunClient, repository: str
) -> None:
    run_id = ask(caller, repository, QUESTION)
    heads: dict[int, list[RunEvent]] = {}

    def read(number: int) -> None:
        heads[number] = read_all(caller, run_id)

    readers = [threading.Thread(target=read, args=(number,)) for number in range(10)]
    for reader in readers:
        reader.start()
    first = read_some(caller, run_id, 6)
    former = threaded.pids["api"]
    os.kill(former, signal.SIGTERM)
    for reader in readers:
        reader.join(5)
        assert not reader.is_alive(), "a stream outlived its server"

    def is_back() -> bool:
        try:
            return threaded.pids.get("api") not in (None, former) and bool(caller.run(run_id))
        except ServerUnreachable:
            return False

    wait_until(is_back, 30)
    golden = read_all(caller, run_id)
    assert_whole(golden)
    assert first + read_all(caller, run_id, first[-1].position) == golden
    for head in heads.values():
        read = [event for event in head if event.type != "reconnect"]
        assert golden[: len(read)] == read
