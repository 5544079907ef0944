"""Postgres forgets a claim: a standby without the last second took its place, or a backup was put back. Its number is
given out again, and Redis still tells what was said under it.
"""

import asyncio
from collections.abc import Callable
from uuid import UUID

import httpx2
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy import Engine, delete, update
from tests.chaos.answer_fold import AnswerFold
from tests.support.asking import ask
from tests.support.live_api import events_of
from tests.support.run_reading import expire_lease, hot, keep, recorded, says
from tests.support.waiting import wait_until

from riverrun.infra.redis_clients import SyncRedis
from riverrun.infra.worker_resources import WorkerResources
from riverrun.runs import event_writer, lease_statements, performance, statements
from riverrun.runs.attempt import Attempt
from riverrun.runs.lease import ClaimedRun, claim_run
from riverrun.runs.models import Run, RunEvent, RunStatus
from riverrun.runs.outsized import ResultStore
from riverrun.runs.performance import perform_run
from riverrun.streaming.errors import Fenced
from riverrun.streaming.events import Event
from riverrun.streaming.hub import StreamHub
from riverrun.streaming.redis_streaming import RedisStreamManager
from riverrun.streaming.subscription import Subscription

FALSE, TRUE = "false ", "true "


def speak_and_be_forgotten(run_id: UUID, worker: WorkerResources, words: int) -> None:
    """An attempt that says something, dies, and that the record knows nothing of afterwards."""
    with worker.engine.connect() as connection:
        run = connection.execute(Run.__table__.select().where(Run.id == run_id)).one()
    kept = recorded(worker.engine, run_id)
    claimed = claim_run(worker.engine, run_id, lease_seconds=60, max_attempts=9)
    assert claimed is not None
    with attempt_at(claimed, worker) as attempt:
        says(*[FALSE] * words)(attempt)
    with worker.engine.begin() as connection:
        connection.execute(update(Run).where(Run.id == run_id).values(run._asdict()))
        connection.execute(delete(RunEvent).where(RunEvent.run_id == run_id))
        connection.execute(statements.RECORD_EVENTS, statements.event_columns(run_id, kept))


def attempt_at(claimed: ClaimedRun, worker: WorkerResources) -> Attempt:
    streams = RedisStreamManager(worker.redis, ttl_seconds=60)
    return Attempt(claimed, worker.engine, streams, lease_seconds=60, leaving=worker.leaving)


def said(events: list[Event]) -> str:
    return "".join(event.fields["text"] for event in events if event.type == "text")


@pytest.mark.parametrize(("false", "true"), [(0, 3), (1, 5), (3, 3), (5, 1)])
def test_what_the_record_forgot_is_dropped_for_what_is_said(
    worker: WorkerResources, engine: Engine, sync_redis: SyncRedis, queued_run: UUID, false: int, true: int
) -> None:
    speak_and_be_forgotten(queued_run, worker, false)
    perform_run(queued_run, worker, says(*[TRUE] * true), keep)
    assert said(recorded(engine, queued_run)) == TRUE * true
    assert hot(sync_redis, queued_run) == recorded(engine, queued_run)


@pytest.mark.parametrize(("false", "true"), [(0, 3), (1, 5), (5, 1)])
def test_a_later_attempts_claim_may_be_forgotten_as_well(
    worker: WorkerResources, engine: Engine, sync_redis: SyncRedis, queued_run: UUID, false: int, true: int
) -> None:
    assert claim_run(engine, queued_run, lease_seconds=60, max_attempts=9)
    expire_lease(engine, queued_run)
    speak_and_be_forgotten(queued_run, worker, false)
    perform_run(queued_run, worker, says(*[TRUE] * true), keep)
    assert [event.type for event in recorded(engine, queued_run)][:2] == ["queued", "attempt"]
    assert hot(sync_redis, queued_run)[-true - 2 :] == recorded(engine, queued_run)[-true - 2 :]
    assert FALSE not in said(hot(sync_redis, queued_run))


def test_who_lives_on_is_fenced_by_another_worker_with_the_same_number(
    worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    claimed = claim_run(engine, queued_run, lease_seconds=60, max_attempts=3)
    assert claimed
    with attempt_at(claimed, worker) as attempt:
        with engine.begin() as connection:  # What a failover and the other worker's claim have left.
            connection.execute(update(Run).where(Run.id == queued_run).values(lease_owner="elsewhere"))
            connection.execute(delete(RunEvent).where(RunEvent.run_id == queued_run, RunEvent.seq > 1))
        attempt.emit("text", text=FALSE)
        wait_until(lambda: attempt.is_stop_requested)
        with pytest.raises(Fenced):
            attempt.finish(RunStatus.COMPLETED, record=keep)
        with pytest.raises(Fenced):
            ResultStore(claimed.lease, engine).keep("a call", "a result")
    assert [event.type for event in recorded(engine, queued_run)] == ["queued"]


def test_a_lease_of_the_same_number_in_other_hands_is_neither_renewed_nor_given_back(
    engine: Engine, queued_run: UUID
) -> None:
    claimed = claim_run(engine, queued_run, lease_seconds=60, max_attempts=3)
    assert claimed
    foreign = claimed.lease._replace(owner="elsewhere")
    with engine.begin() as connection:
        for statement in (
            lease_statements.renew_lease(foreign, 60),
            lease_statements.give_back(foreign),
        ):
            assert connection.execute(statement).rowcount == 0
        for look in (
            statements.look_while_holding(foreign),
            statements.lock_while_holding(foreign),
            lease_statements.look_as_keeper(foreign, 60),
        ):
            assert connection.execute(look).first() is None
        assert connection.execute(lease_statements.give_back(claimed.lease)).rowcount == 1


def test_another_workers_end_under_the_same_number_is_not_taken_for_ones_own(
    worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    claimed = claim_run(engine, queued_run, lease_seconds=60, max_attempts=3)
    assert claimed
    with engine.begin() as connection:
        connection.execute(update(Run).where(Run.id == queued_run).values(status="queued", attempt=0))
    perform_run(queued_run, worker, says(TRUE), keep)
    attempt = attempt_at(claimed, worker)
    attempt.emit("started")
    attempt.emit("text", text=FALSE)
    with pytest.raises(Fenced):
        attempt.finish(RunStatus.COMPLETED, record=keep)
    assert said(recorded(engine, queued_run)) == TRUE


class Broken(RedisStreamManager):
    """Loses its first appends, or only the answers to them."""

    losses = 0
    arrives = False

    def publish_event(self, run_id: UUID, event: Event):  # type: ignore[no-untyped-def]
        return self._lose_or(lambda: super(Broken, self).publish_event(run_id, event))

    def publish_events(self, run_id: UUID, events):  # type: ignore[no-untyped-def]
        return self._lose_or(lambda: super(Broken, self).publish_events(run_id, events))

    def _lose_or(self, publish: Callable[[], object]) -> object:
        if Broken.losses == 0:
            return publish()
        Broken.losses -= 1
        if Broken.arrives:
            publish()
        raise RedisConnectionError("the line is gone")


@pytest.fixture
def lossy(monkeypatch: pytest.MonkeyPatch) -> type[Broken]:
    monkeypatch.setattr(event_writer, "REDIS_PAUSE_SECONDS", 0)
    monkeypatch.setattr(performance, "RedisStreamManager", Broken)
    return Broken


@pytest.mark.parametrize("arrives", [True, False], ids=["the answer", "the append"])
@pytest.mark.parametrize("losses", [1, 2])
@pytest.mark.parametrize("false", [None, 1, 5])
def test_a_first_append_that_is_lost_is_made_good(
    worker: WorkerResources,
    engine: Engine,
    sync_redis: SyncRedis,
    queued_run: UUID,
    lossy: type[Broken],
    monkeypatch: pytest.MonkeyPatch,
    losses: int,
    arrives: bool,
    false: int | None,
) -> None:
    """Also where the next event fits exactly behind what the record forgot."""
    if false is not None:
        speak_and_be_forgotten(queued_run, worker, false)
    monkeypatch.setattr(lossy, "losses", losses)
    monkeypatch.setattr(lossy, "arrives", arrives)
    perform_run(queued_run, worker, says(*[TRUE] * 4), keep)
    assert hot(sync_redis, queued_run) == recorded(engine, queued_run)
    assert said(hot(sync_redis, queued_run)) == TRUE * 4


async def read(subscription: Subscription, fold: AnswerFold, *, until: str) -> list[str]:
    """Take events in as a client does, which objects to any text that is not the one of the ``end``."""
    kinds: list[str] = []
    async with asyncio.timeout(20):
        while until not in kinds:
            for event in await subscription.next_events():
                fold.take(str(event.position), event.type, event.data)
                kinds.append(event.type)
    return kinds


@pytest.mark.parametrize("true", [1, 3, 8])
async def test_a_reader_at_the_hub_who_has_it_gets_a_reset_and_then_the_truth(
    hub: StreamHub, worker: WorkerResources, queued_run: UUID, sync_redis: SyncRedis, true: int
) -> None:
    fold = AnswerFold()
    with hub.attach(queued_run) as subscription:
        await asyncio.to_thread(wait_until, lambda: sync_redis.pubsub_channels("run:*"))
        await asyncio.to_thread(speak_and_be_forgotten, queued_run, worker, 3)
        while fold.text != FALSE * 3:
            await read(subscription, fold, until="text")
        performing = asyncio.create_task(
            asyncio.to_thread(perform_run, queued_run, worker, says(*[TRUE] * true), keep)
        )
        kinds = await read(subscription, fold, until="end")
        await performing
    assert kinds.count("reset") == 1
    assert fold.text == TRUE * true


async def test_a_reader_of_many_runs_gets_it_too(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources, sync_redis: SyncRedis
) -> None:
    run_id = UUID((await ask(client, conversation)).json()["run_id"])
    fold, body, taken = AnswerFold(), "", 0
    async with asyncio.timeout(20), client.stream("GET", f"/api/v1/runs/events?run={run_id}") as response:
        await asyncio.to_thread(wait_until, lambda: sync_redis.pubsub_channels("run:*"))
        await asyncio.to_thread(speak_and_be_forgotten, run_id, worker, 3)
        performing = None
        async for chunk in response.aiter_text():
            body += chunk
            events = events_of(body.rpartition("\n\n")[0])
            for event_id, kind, data in events[taken:]:
                fold.take(event_id, kind, data.encode())
            taken = len(events)
            if performing is None and fold.text == FALSE * 3:
                performing = asyncio.create_task(
                    asyncio.to_thread(perform_run, run_id, worker, says(TRUE), keep)
                )
    assert performing is not None
    await performing
    assert fold.text == TRUE
