"""Lines and stops while workers die or freeze: nothing overlaps, nothing is lost, and nobody speaks after a stop."""

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import httpx2
import psycopg
import pytest
from tests.support.indexing import index_folder
from tests.support.process_tree import frozen, kill_with_children
from tests.support.reading import assert_exact, read_all, read_until, text_of
from tests.support.stacks import open_stack
from tests.support.waiting import wait_until

from riverrun.cli.client import RiverrunClient
from riverrun.cli.server_address import ServerAddress
from riverrun.cli.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

QUESTION = "How does the middleware compress responses?"
LEASE_SECONDS = 3
CHUNK_DELAY_MS = 60
MOST_SECONDS_BETWEEN = 5.0


class Site:
    """A stack whose leases are short, and an indexed repository."""

    def __init__(self, stack: Stack, client: RiverrunClient, http: httpx2.Client, project_id: str) -> None:
        self.stack = stack
        self.client = client
        self.http = http
        self.project_id = project_id

    def conversation(self) -> str:
        return f"/api/v1/conversations/{self.client.start_conversation(self.project_id)}"

    def ask(self, conversation: str, if_busy: str) -> str:
        params = {"background": "true", "if_busy": if_busy}
        response = self.http.post(f"{conversation}/message", params=params, json={"content": QUESTION})
        response.raise_for_status()
        run_id: str = response.json()["run_id"]
        return run_id

    def until_recorded(self, run_id: str, event_type: str) -> None:
        """Readers are up to a batch ahead of Postgres; what was not recorded dies with its worker."""
        found = "SELECT 1 FROM run_events WHERE run_id = %s AND type = %s LIMIT 1"
        with psycopg.connect(self.stack.settings.require_database_url()) as database:
            wait_until(
                lambda: database.execute(found, [run_id, event_type]).fetchone(),
                what=f"{event_type} of run {run_id} in the record",
            )

    def until_over(self, run_id: str) -> dict[str, object]:
        return dict(wait_until(lambda: self._ended(run_id), 60, what=f"the end of run {run_id}"))

    def _ended(self, run_id: str) -> dict[str, object] | None:
        run = self.client.run(run_id)
        return run if run["ended_at"] else None


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, starlette_source: Path) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("line-faults")
    variables = {"RIVERRUN_LEASE_SECONDS": LEASE_SECONDS, "RIVERRUN_EXTRACTIVE_DELAY_MS": CHUNK_DELAY_MS}
    with (
        open_stack(folder, **variables) as stack,
        RiverrunClient(ServerAddress(stack.base_url, stack.token)) as client,
        httpx2.Client(
            base_url=stack.base_url, headers={"Authorization": f"Bearer {stack.token}"}, timeout=30
        ) as http,
    ):
        yield Site(stack, client, http, index_folder(client, starlette_source)["id"])


def moment(run: dict[str, object], name: str) -> datetime:
    return datetime.fromisoformat(str(run[name]))


def test_a_line_whose_worker_is_killed_is_worked_off_in_its_order(site: Site) -> None:
    conversation = site.conversation()
    line = [site.ask(conversation, "enqueue") for _ in range(3)]
    read_until(site.client, line[0], "text")
    kill_with_children(site.stack.pids["worker-chats"])
    runs = [site.until_over(run_id) for run_id in line]
    assert [run["status"] for run in runs] == ["completed"] * 3
    assert runs[0]["attempt"] == 2
    for before, after in pairwise(runs):
        pause = (moment(after, "started_at") - moment(before, "ended_at")).total_seconds()
        assert 0 <= pause < MOST_SECONDS_BETWEEN
    messages = site.http.get(f"{conversation}/messages").json()
    assert [message["run_id"] for message in messages] == [run_id for run_id in line for _ in range(2)]
    for run_id in line:
        assert_exact(read_all(site.client, run_id))


def test_a_stop_needs_no_living_worker_and_a_frozen_one_adds_nothing_when_it_wakes(site: Site) -> None:
    conversation = site.conversation()
    stopped = site.ask(conversation, "reject")
    site.until_recorded(stopped, "text")
    with frozen(site.stack.pids["worker-chats"]):
        receipt = site.http.post(f"{conversation}/stop").json()
        events = read_all(site.client, stopped)
        following = site.ask(conversation, "reject")
    assert (receipt["status"], receipt["saved_partial"]) == ("cancelled", True)
    assert [event.type for event in events][-2:] == ["attempt", "end"]
    assert_exact(events)
    assert site.until_over(following)["status"] == "completed"
    assert read_all(site.client, stopped) == events
    assert site.http.post(f"/api/v1/runs/{stopped}/stop").json() == receipt
    partial = site.http.get(f"{conversation}/messages").json()[1]
    assert (partial["id"], partial["content"]) == (receipt["message_id"], text_of(events))
    assert receipt["chars"] == len(partial["content"])


def test_an_interrupt_of_a_frozen_worker_is_followed_by_the_next_one_when_another_takes_over(
    site: Site,
) -> None:
    conversation = site.conversation()
    first = site.ask(conversation, "reject")
    read_until(site.client, first, "text")
    with frozen(site.stack.pids["worker-chats"]):
        second = site.ask(conversation, "interrupt")
        assert site.client.run(first)["status"] == "running", "its lease still holds"
    runs = [site.until_over(run_id) for run_id in (first, second)]
    assert [run["status"] for run in runs] == ["cancelled", "completed"]
    assert moment(runs[0], "ended_at") <= moment(runs[1], "started_at")
    assert_exact(read_all(site.client, first))
