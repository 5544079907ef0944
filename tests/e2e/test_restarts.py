"""``riverrun up`` that ends in the middle of an answer, in whatever way, and is started again: the answer goes on."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

import pytest
from tests.support.indexing import index_folder
from tests.support.process_tree import descendants, is_alive
from tests.support.reading import ask, assert_exact, read_all, read_until
from tests.support.run_reading import row_of
from tests.support.waiting import wait_until

from riverrun.cli.client import RiverrunClient
from riverrun.cli.server_address import find_server
from riverrun.embedded import EmbeddedServers
from riverrun.infra.database import open_engine
from riverrun.kit.free_port import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

QUESTION = "How does the middleware compress responses?"
LEASE_SECONDS = 600
"""So long that no answer here goes on because a lease ran out."""
CHUNK_DELAY_MS = 100


@contextmanager
def up(data_dir: Path, port: int, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], RiverrunClient]]:
    """The stack, and a client of it; it is asked to stop afterwards, unless it has ended."""
    environment = os.environ | {
        "RIVERRUN_LEASE_SECONDS": str(LEASE_SECONDS),
        "RIVERRUN_EXTRACTIVE_DELAY_MS": str(CHUNK_DELAY_MS),
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "riverrun", "up", "--data-dir", str(data_dir), "--port", str(port)],
            stdout=output, stderr=subprocess.STDOUT, start_new_session=True, env=environment,
        )  # fmt: skip
    try:
        wait_until(lambda: "Ctrl-C ends it" in log.read_text() or process.poll() is not None, 90)
        assert process.poll() is None, log.read_text()
        with RiverrunClient(find_server(data_dir)) as client:
            yield process, client
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(30)


def send_to_all(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """As service managers do that know a service by its control group."""
    for pid in [process.pid, *(one.pid for one in descendants(process.pid))]:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def deaths_of(data_dir: Path, run_id: str) -> int:
    servers = EmbeddedServers.find_running(data_dir)
    assert servers
    engine = open_engine(servers.database_url, pool_size=1)
    try:
        return row_of(engine, UUID(run_id)).deaths
    finally:
        engine.dispose()


@pytest.mark.parametrize(
    ("number", "deaths"),
    [(signal.SIGTERM, 0), (signal.SIGKILL, 1)],
    ids=["all-are-told-to-end", "all-are-killed"],
)
def test_an_answer_goes_on_when_all_processes_ended_at_once(
    tmp_path: Path, starlette_source: Path, number: signal.Signals, deaths: int
) -> None:
    data_dir, port = tmp_path / "data", free_port()
    with up(data_dir, port, tmp_path / "first.log") as (process, client):
        run_id = ask(client, index_folder(client, starlette_source)["id"], QUESTION)
        read_until(client, run_id, "text")
        children = descendants(process.pid)
        send_to_all(process, number)
        process.wait(30)
        wait_until(lambda: not any(map(is_alive, children)), 30)
    with up(data_dir, port, tmp_path / "second.log") as (_, client):
        assert_exact(read_all(client, run_id))
        assert client.run(run_id)["status"] == "completed"
        assert deaths_of(data_dir, run_id) == deaths
