"""The ledger beside the model's own account, with real processes: stops, kills, repeats, and a crowd at the last place."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import psycopg
import pytest
from tests.support.indexing import index_folder
from tests.support.process_tree import kill_with_children
from tests.support.reading import read_all, read_until
from tests.support.scripted_model import NAME, Script, ScriptedModel, scripted_model
from tests.support.stacks import open_stack
from tests.support.usage_ledger import assert_balanced, assert_ended_with_their_runs
from tests.support.waiting import wait_until

from riverrun.cli.client import RiverrunClient
from riverrun.cli.client_errors import ApiProblem
from riverrun.cli.server_address import ServerAddress
from riverrun.cli.stack import Stack
from riverrun.infra.database import open_engine

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

LEASE_SECONDS = 3
SLOW = {"pieces": 60, "pause_ms": 50}
CROWD = 60

_tokens = count(1)


class Site:
    """A stack whose model is the scripted one, and readings of both accounts."""

    def __init__(
        self, stack: Stack, client: RiverrunClient, http: httpx2.Client, model: ScriptedModel
    ) -> None:
        self.stack, self.client, self.http, self.model = stack, client, http, model
        self.project_id = ""
        self.forgotten: set[str] = set()
        """Questions whose runs went with their conversation; their entries stay."""

    def conversation(self) -> str:
        return f"/api/v1/conversations/{self.client.start_conversation(self.project_id)}"

    def post(self, path: str, script: Script | None = None, **headers: str) -> str:
        """Ask, or ask again; the run."""
        params = {"background": "true", "if_busy": headers.pop("if_busy", "reject")}
        body = {"json": {"content": script.question}} if script else {}
        response = self.http.post(path, params=params, headers=headers, **body)
        assert response.status_code == 202, response.text
        run_id: str = response.json()["run_id"]
        return run_id

    def until_all_is_over(self) -> None:
        """Every run has ended, and every answer's connection is closed."""
        with psycopg.connect(self.stack.settings.require_database_url(), autocommit=True) as database:
            active = "SELECT count(*) FROM runs WHERE ended_at IS NULL"
            wait_until(lambda: database.execute(active).fetchone() == (0,), 90, what="the end of all runs")
        wait_until(lambda: not self.model.answering, what="the end of all of the model's answers")

    def ledger(self) -> list[dict[str, Any]]:
        """Every question with its run."""
        statement = """
            SELECT e.state, e.tokens, r.status, r.kind, split_part(r.payload->>'question', ' ', 1) AS token
            FROM usage_entries e JOIN runs r ON r.id = e.run_id
        """
        with psycopg.connect(self.stack.settings.require_database_url()) as database:
            cursor = database.execute(statement)
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, starlette_source: Path) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("usage")
    with scripted_model() as model:
        variables = {
            "RIVERRUN_LEASE_SECONDS": LEASE_SECONDS,
            "RIVERRUN_MODEL": NAME,
            "RIVERRUN_MODEL_BASE_URL": model.base_url,
            "RIVERRUN_MODEL_API_KEY": "none",
        }
        with (
            open_stack(folder, **variables) as stack,
            RiverrunClient(ServerAddress(stack.base_url, stack.token)) as client,
            httpx2.Client(
                base_url=stack.base_url, headers={"Authorization": f"Bearer {stack.token}"}, timeout=30
            ) as http,
        ):
            site = Site(stack, client, http, model)
            site.project_id = index_folder(client, starlette_source)["id"]
            yield site


def script(**shape: int) -> Script:
    """A question that nobody else asks."""
    return Script(f"u{next(_tokens)}", **({"pieces": 5, "pause_ms": 5} | shape))


@contextmanager
def more(site: Site, *, questions: int, requests: int) -> Iterator[None]:
    """So many more questions are counted when all is over, for so many more requests to the model.

    And for all that was ever asked: whatever the model has heard is counted, and nothing else; whole answers for exactly
    the tokens that it reported.
    """
    before = _counted(site)
    yield
    site.until_all_is_over()
    after = _counted(site)
    assert (after[0] - before[0], after[1] - before[1]) == (questions, requests)
    ledger = site.ledger()
    heard = {row["token"] for row in ledger if row["state"] == "settled"}
    assert heard == site.model.asked.keys() - site.forgotten
    for row in ledger:
        assert row["state"] in ("settled", "released")
        if row["status"] == "completed":
            assert (row["state"], row["tokens"]) == ("settled", site.model.reported[row["token"]])
    engine = open_engine(site.stack.settings.require_database_url())
    try:
        assert_balanced(engine)
        assert_ended_with_their_runs(engine)
    finally:
        engine.dispose()


def _counted(site: Site) -> tuple[int, int]:
    counted = site.client.usage()["questions"]
    return counted, sum(site.model.asked.values())


def test_answers_and_answers_again_count_as_the_model_says(site: Site) -> None:
    with more(site, questions=4, requests=4):
        conversation = site.conversation()
        for _ in range(3):
            read_all(site.client, site.post(f"{conversation}/message", script()))
        read_all(site.client, site.post(f"{conversation}/regenerate"))


def test_a_post_that_is_repeated_ten_times_at_once_counts_once(site: Site) -> None:
    asked, key = script(), str(uuid4())
    with more(site, questions=1, requests=1), ThreadPoolExecutor(10) as pool:
        path = f"{site.conversation()}/message"
        header = {"Idempotency-Key": key}
        runs = list(pool.map(lambda _: site.post(path, asked, **header), range(10)))
        assert len(set(runs)) == 1


def test_a_reader_who_goes_away_pays_for_the_whole_answer(site: Site) -> None:
    asked = script(**SLOW)
    with (
        more(site, questions=1, requests=1),
        site.http.stream(
            "POST", f"{site.conversation()}/message", json={"content": asked.question}
        ) as response,
    ):
        next(line for line in response.iter_lines() if line == "event: text")
    assert asked.token in site.model.reported


def test_stops_count_if_the_model_was_asked_and_not_if_the_question_still_waited(site: Site) -> None:
    with more(site, questions=1, requests=1):
        conversation = site.conversation()
        begun = site.post(f"{conversation}/message", script(**SLOW))
        waiting = site.post(f"{conversation}/message", script(), if_busy="enqueue")
        read_until(site.client, begun, "text")
        assert site.client.stop(waiting)["status"] == "cancelled"
        assert site.client.stop(begun)["saved_partial"]
        assert site.client.stop(begun)["status"] == "cancelled"


def test_a_stop_after_the_end_changes_nothing(site: Site) -> None:
    with more(site, questions=1, requests=1):
        run_id = site.post(f"{site.conversation()}/message", script())
        read_all(site.client, run_id)
        assert site.client.stop(run_id)["status"] == "completed"


@pytest.mark.parametrize("if_busy", ["interrupt", "rollback"])
def test_what_makes_way_counts_because_the_model_was_asked(site: Site, if_busy: str) -> None:
    with more(site, questions=2, requests=2):
        conversation = site.conversation()
        read_until(site.client, site.post(f"{conversation}/message", script(**SLOW)), "text")
        read_all(site.client, site.post(f"{conversation}/message", script(), if_busy=if_busy))


def test_a_conversation_that_is_deleted_in_mid_answer_gives_nothing_back(site: Site) -> None:
    with more(site, questions=1, requests=1):
        conversation, asked = site.conversation(), script(**SLOW)
        read_until(site.client, site.post(f"{conversation}/message", asked), "text")
        assert site.http.delete(conversation).status_code == 204
        site.forgotten.add(asked.token)


def test_a_worker_that_is_killed_costs_nobody_a_second_question(site: Site) -> None:
    with more(site, questions=1, requests=2):
        run_id = site.post(f"{site.conversation()}/message", script(**SLOW))
        read_until(site.client, run_id, "text")
        kill_with_children(site.stack.pids["worker-chats"])
        assert read_all(site.client, run_id)[-1].data["status"] == "completed"


def test_a_run_is_stopped_after_its_worker_was_killed(site: Site) -> None:
    with more(site, questions=1, requests=1):
        run_id = site.post(f"{site.conversation()}/message", script(**SLOW))
        read_until(site.client, run_id, "text")
        _until_recorded(site, run_id)
        kill_with_children(site.stack.pids["worker-chats"])
        wait_until(lambda: site.client.stop(run_id)["status"] == "cancelled", 60)


def _until_recorded(site: Site, run_id: str) -> None:
    found = "SELECT 1 FROM run_events WHERE run_id = %s AND type = 'text' LIMIT 1"
    with psycopg.connect(site.stack.settings.require_database_url(), autocommit=True) as database:
        wait_until(lambda: database.execute(found, [run_id]).fetchone(), what="text in the record")


def test_of_a_crowd_at_the_last_place_one_passes_and_the_model_hears_of_one(site: Site) -> None:
    questions = site.client.usage()["questions"]
    email = site.http.get("/api/v1/account/me").json()["email"]
    with more(site, questions=1, requests=1):
        paths = [f"{site.conversation()}/message" for _ in range(CROWD)]
        site.client.limit_usage("user", email, {"questions_per_month": questions + 1})
        try:
            codes = _at_once(site, paths)
            assert codes == {202: 1, 402: CROWD - 1}
            with pytest.raises(ApiProblem) as refused:
                site.client.start_conversation(site.project_id)
            assert refused.value.status == 402
        finally:
            site.client.unlimit_usage("user", email)


def _at_once(site: Site, paths: list[str]) -> Counter[int]:
    """The answers to a question in each of these conversations, all sent at the same moment."""
    start = threading.Barrier(len(paths))

    def post(path: str) -> int:
        start.wait(30)
        params = {"background": "true"}
        return site.http.post(path, params=params, json={"content": script().question}).status_code

    with ThreadPoolExecutor(len(paths)) as pool:
        return Counter(pool.map(post, paths))
