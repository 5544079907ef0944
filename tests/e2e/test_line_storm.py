"""Many clients at once ask, interrupt, take back, regenerate and stop in one conversation: the rules hold for every run."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import httpx2
import pytest
from sqlalchemy import Engine, text
from tests.support.reading import assert_exact, read_all, text_of
from tests.support.waiting import wait_until

from riverrun.cli.client import RiverrunClient
from riverrun.cli.stack import Stack
from riverrun.infra.database import open_engine

pytestmark = pytest.mark.timeout(240)

CLIENTS = 8
POSTS = 48
EXPECTED = {202, 409, 429}
WAYS = ("reject", "enqueue", "enqueue", "interrupt", "rollback")


@pytest.fixture
def engine(stack: Stack) -> Iterator[Engine]:
    engine = open_engine(stack.settings.require_database_url())
    yield engine
    engine.dispose()


class Storm:
    """What clients do, in an order that nobody knows; each by chance, from a seed."""

    def __init__(self, http: httpx2.Client, conversation: str, seed: int) -> None:
        self._http = http
        self._conversation = conversation
        self._chance = random.Random(seed)
        self.refused: list[int] = []
        self.taken: list[str] = []

    def blow(self) -> None:
        steps = [self._step() for _ in range(POSTS)]
        with ThreadPoolExecutor(CLIENTS) as clients:
            for response in clients.map(lambda step: self._http.post(step[0], **step[1]), steps):
                if response.status_code == 202:
                    self.taken.append(response.json()["run_id"])
                elif response.status_code != 200:
                    self.refused.append(response.status_code)

    def _step(self) -> tuple[str, dict[str, Any]]:
        verb = self._chance.choices(("message", "regenerate", "stop"), (8, 3, 1))[0]
        if verb == "stop":
            return f"{self._conversation}/stop", {}
        params = {"background": "true", "if_busy": self._chance.choice(WAYS)}
        body = {"json": {"content": "How are cookies signed?"}} if verb == "message" else {}
        return f"{self._conversation}/{verb}", {"params": params, **body}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_after_a_storm_every_run_has_ended_once_and_none_overlapped(
    client: RiverrunClient, http: httpx2.Client, engine: Engine, project_id: str, seed: int
) -> None:
    conversation_id = client.start_conversation(project_id)
    conversation = f"/api/v1/conversations/{conversation_id}"
    http.post(f"{conversation}/message?background=true", json={"content": "First?"}).raise_for_status()
    storm = Storm(http, conversation, seed)
    storm.blow()
    assert set(storm.refused) <= EXPECTED
    assert len(storm.taken) > POSTS // 4
    wait_until(lambda: not rows(engine, ACTIVE, conversation_id), 120)

    runs = rows(engine, RUNS, conversation_id)
    assert {str(run.id) for run in runs} >= set(storm.taken)
    worked_on = [run for run in runs if run.started_at is not None]
    assert all(before.ended_at <= after.started_at for before, after in pairwise(worked_on))
    for run in runs:
        events = read_all(client, str(run.id))
        assert_exact(events)
        assert events[-1].data["status"] == run.status != "error"
        stored = [row.content for row in rows(engine, ANSWERS, run.id)]
        assert len(stored) <= (0 if run.is_rolled_back else 1)
        if not run.is_rolled_back:
            assert "".join(stored) == text_of(events), "a message without words holds tool calls alone"
    turns = rows(engine, TURNS, conversation_id)
    assert all(turn.questions == 1 and turn.shown <= 1 for turn in turns)
    assert all(turn.shown == 1 for turn in turns if turn.answers)


ACTIVE = "SELECT id FROM runs WHERE subject_id = :id AND status IN ('queued', 'running')"
RUNS = "SELECT * FROM runs WHERE subject_id = :id ORDER BY number"
ANSWERS = "SELECT content FROM messages WHERE run_id = :id AND type = 'AI_GENERATED'"
TURNS = (
    "SELECT turn, count(*) FILTER (WHERE type = 'HUMAN') AS questions, "
    "count(*) FILTER (WHERE type = 'AI_GENERATED') AS answers, "
    "count(*) FILTER (WHERE type = 'AI_GENERATED' AND status = 'ACTIVE') AS shown "
    "FROM messages WHERE conversation_id = :id GROUP BY turn"
)


def rows(engine: Engine, statement: str, id: object) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text(statement), {"id": id}).all())
