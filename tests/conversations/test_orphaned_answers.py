"""A stop that no worker answers: the API ends the run itself, with what was recorded, and the old worker is fenced."""

import asyncio
import threading
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine
from tests.support.asking import answer, ask, contents, messages, says
from tests.support.live_api import read_sse
from tests.support.run_reading import expire_lease, hot, recorded, row_of
from tests.support.stories import make_run, text_event
from tests.support.waiting import wait_until, wait_until_async

from riverrun.infra.redis_clients import SyncRedis
from riverrun.infra.worker_resources import WorkerResources
from riverrun.runs.attempt import Attempt
from riverrun.runs.lease import claim_run
from riverrun.runs.models import RunKind
from riverrun.streaming.errors import Fenced
from riverrun.streaming.redis_streaming import RedisStreamManager

TYPES = ["queued", "started", "text", "attempt", "end"]


class Zombie:
    """Work that says ``half``, loses its lease without knowing, and wants to go on when it is woken."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.is_orphaned = threading.Event()
        self.wake = threading.Event()
        self.was_fenced = False

    def __call__(self, attempt: Attempt) -> None:
        attempt.emit("text", text="half")
        wait_until(lambda: len(recorded(self._engine, attempt.run.id)) == 3)
        attempt._release_keeper()
        expire_lease(self._engine, attempt.run.id)
        self.is_orphaned.set()
        assert self.wake.wait(20)
        try:
            attempt.emit("text", text=" and more")
        except Fenced:
            self.was_fenced = True
            raise


async def test_a_stop_ends_a_run_whose_worker_is_gone_at_once(
    client: httpx2.AsyncClient,
    conversation: str,
    engine: Engine,
    sync_redis: SyncRedis,
    worker: WorkerResources,
) -> None:
    run_id = UUID((await ask(client, conversation)).json()["run_id"])
    zombie = Zombie(engine)
    working = asyncio.create_task(answer(worker, str(run_id), zombie))
    reading = asyncio.create_task(read_sse(client, f"/api/v1/runs/{run_id}/events"))
    await wait_until_async(zombie.is_orphaned.is_set)

    receipt = (await client.post(f"{conversation}/stop")).json()
    log = recorded(engine, run_id)
    assert [event.type for event in log] == TYPES
    assert [event.position for event in log[-2:]] == [(2, 4), (2, 5)]
    assert (log[3].fields["keeps_seq"], log[4].fields["status"], log[4].fields["chars"]) == (
        3,
        "cancelled",
        4,
    )
    _, partial = await messages(client, conversation)
    assert (partial["content"], partial["reason"]) == ("half", "cancelled")
    assert receipt == {
        "run_id": str(run_id),
        "status": "cancelled",
        "stopped_at": receipt["stopped_at"],
        "saved_partial": True,
        "message_id": partial["id"],
        "chars": 4,
    }
    assert [kind for _, kind, _ in await reading] == TYPES

    zombie.wake.set()
    await working
    assert zombie.was_fenced
    assert (recorded(engine, run_id), hot(sync_redis, run_id)) == (log, log)
    assert (await client.post(f"{conversation}/stop")).json() == receipt
    assert await contents(client, conversation) == ["Why?", "half"]
    assert (row_of(engine, run_id).attempt, row_of(engine, run_id).lease_owner) == (2, None)


async def test_what_was_said_but_never_recorded_does_not_count(
    client: httpx2.AsyncClient, conversation: str, engine: Engine, streams: RedisStreamManager
) -> None:
    run_id = UUID((await ask(client, conversation)).json()["run_id"])
    claim_run(engine, run_id, lease_seconds=60, max_attempts=3)
    streams.publish_events(run_id, [*recorded(engine, run_id), text_event(2, "lost"), text_event(3, " too")])
    expire_lease(engine, run_id)
    receipt = (await client.post(f"/api/v1/runs/{run_id}/stop")).json()
    assert (receipt["status"], receipt["saved_partial"], receipt["chars"]) == ("cancelled", False, 0)
    ids = [event_id for event_id, _, _ in await read_sse(client, f"/api/v1/runs/{run_id}/events?cursor=1-3")]
    assert ids == ["2-2", "2-3"], "a reader that had them drops them"
    assert [event.position for event in recorded(engine, run_id)] == [(1, 1), (2, 2), (2, 3)]


async def test_a_lease_that_runs_out_while_the_stop_waits_is_seen(
    client: httpx2.AsyncClient, conversation: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("riverrun.runs.stopping.PATIENCE_SECONDS", 1.5)
    run_id = UUID((await ask(client, conversation)).json()["run_id"])
    claim_run(engine, run_id, lease_seconds=1, max_attempts=3)
    assert (await client.post(f"{conversation}/stop")).json()["status"] == "cancelled"


async def test_a_live_lease_is_left_alone(
    client: httpx2.AsyncClient, conversation: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("riverrun.runs.stopping.PATIENCE_SECONDS", 0.1)
    run_id = UUID((await ask(client, conversation)).json()["run_id"])
    claim_run(engine, run_id, lease_seconds=60, max_attempts=3)
    receipt = (await client.post(f"{conversation}/stop")).json()
    assert (receipt["status"], receipt["stopped_at"]) == ("running", None)
    assert [event.type for event in recorded(engine, run_id)] == ["queued"]


@pytest.mark.parametrize("if_busy", ["interrupt", "rollback"])
async def test_a_question_that_displaces_a_lost_run_need_not_wait_for_it(
    client: httpx2.AsyncClient, conversation: str, engine: Engine, worker: WorkerResources, if_busy: str
) -> None:
    lost = UUID((await ask(client, conversation, "One?")).json()["run_id"])
    claim_run(engine, lost, lease_seconds=60, max_attempts=3)
    expire_lease(engine, lost)
    following = (await ask(client, conversation, "Two?", if_busy)).json()["run_id"]
    assert row_of(engine, lost).status == "cancelled"
    await answer(worker, following, says("two"))
    kept = ["One?"] if if_busy == "interrupt" else []
    assert await contents(client, conversation) == [*kept, "Two?", "two"]


async def test_a_stop_of_a_lost_indexing_keeps_what_it_said(
    client: httpx2.AsyncClient, project_id: UUID, engine: Engine, user_id: UUID
) -> None:
    run_id = make_run(engine, user_id, RunKind.INDEXING, project_id)
    claim_run(engine, run_id, lease_seconds=60, max_attempts=3)
    expire_lease(engine, run_id)
    receipt = (await client.post(f"/api/v1/runs/{run_id}/stop")).json()
    assert (receipt["status"], receipt["saved_partial"]) == ("cancelled", False)
    assert [event.type for event in recorded(engine, run_id)] == ["queued", "attempt", "end"]
