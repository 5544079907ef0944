"""A worker that does not hear its queue is found out, and nobody else is taken for one."""

import time
from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import Engine, update
from tests.support.waiting import wait_until

from riverrun.infra.celery_app import broker_url, configure_celery, queue_name
from riverrun.infra.redis_clients import SyncRedis, open_redis
from riverrun.infra.settings import Settings
from riverrun.infra.worker_leaving import Leaving
from riverrun.runs.canary import Canary, answer_key
from riverrun.runs.lease import claim_run
from riverrun.runs.models import Run

WORKER = "here:1"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"deaf_seconds": 0.2})


@pytest.fixture
def canary(settings: Settings) -> Canary:
    return Canary(configure_celery(settings), ["chats"], settings, worker=WORKER, concurrency=1)


@pytest.fixture
def broker(settings: Settings) -> Iterator[SyncRedis]:
    with open_redis(broker_url(settings)) as broker:
        yield broker


@pytest.fixture
def queue(settings: Settings) -> str:
    return queue_name(settings, "chats")


def hear(broker: SyncRedis, sync_redis: SyncRedis, canary: Canary, queue: str) -> None:
    """What a worker does with a canary."""
    assert broker.rpop(queue) is not None
    sync_redis.set(answer_key(canary._songs[queue].canary_id), "heard")


def test_a_canary_that_stays_in_its_queue_is_deafness_and_is_taken_back(
    canary: Canary, broker: SyncRedis, queue: str
) -> None:
    assert canary.look() is None
    assert broker.llen(queue) == 1
    assert canary.look() is None, "not yet"
    assert wait_until(canary.look) == queue
    assert broker.llen(queue) == 0


def test_one_that_is_heard_is_followed_by_another(
    canary: Canary, broker: SyncRedis, sync_redis: SyncRedis, queue: str
) -> None:
    canary.look()
    first = canary._songs[queue].canary_id
    hear(broker, sync_redis, canary, queue)
    assert canary.look() is None
    assert canary._songs[queue].canary_id != first
    assert broker.llen(queue) == 1


def test_one_that_somebody_took_or_the_broker_lost_is_no_deafness(
    canary: Canary, broker: SyncRedis, queue: str
) -> None:
    canary.look()
    broker.rpop(queue)
    wait_until(lambda: canary.look() is None and queue not in canary._songs)
    assert canary.look() is None
    assert broker.llen(queue) == 1


def test_a_long_queue_that_gets_shorter_is_work_and_no_deafness(
    canary: Canary, broker: SyncRedis, queue: str, settings: Settings
) -> None:
    broker.rpush(queue, *(f"a run that was there before {number}" for number in range(20)))
    canary.look()
    for _ in range(8):  # much longer than deafness
        taken = broker.llen(queue)
        began = canary._songs[queue].since
        broker.rpop(queue)
        wait_until(lambda began=began: canary.look() is None and canary._songs[queue].since > began)
        assert broker.llen(queue) == taken - 1
    assert wait_until(canary.look) == queue, "now nobody takes anything"


def test_hands_that_become_free_just_now_are_given_time(
    canary: Canary, engine: Engine, queued_run: UUID, queue: str, settings: Settings
) -> None:
    claim_run(engine, queued_run, lease_seconds=60, max_attempts=3)
    own(engine, f"{WORKER}:7")
    canary.look()
    outlasts_deafness = time.monotonic() + 2 * settings.deaf_seconds
    wait_until(lambda: canary.look() is None and time.monotonic() > outlasts_deafness)
    own(engine, "elsewhere:1:7")
    assert canary.look() is None, "it has not had a chance yet"


def test_a_worker_whose_processes_all_hold_a_lease_is_busy_and_deaf_again_when_one_is_free(
    canary: Canary, engine: Engine, queued_run: UUID, queue: str
) -> None:
    claim_run(engine, queued_run, lease_seconds=60, max_attempts=3)
    own(engine, f"{WORKER}:7")
    canary.look()
    since = canary._songs[queue].since
    wait_until(lambda: canary.look() is None and canary._songs[queue].since > since)
    own(engine, "elsewhere:1:7")
    assert wait_until(canary.look) == queue


def own(engine: Engine, owner: str) -> None:
    with engine.begin() as connection:
        connection.execute(update(Run).values(lease_owner=owner))


def test_without_redis_or_postgres_nothing_is_concluded(settings: Settings, queue: str) -> None:
    nowhere = {"redis_url": "redis://127.0.0.1:1/0", "database_url": "postgresql://x@127.0.0.1:1/x"}
    for missing in nowhere:
        gone = settings.model_copy(update={missing: nowhere[missing]})
        canary = Canary(configure_celery(gone), ["chats"], gone, worker=WORKER, concurrency=1)
        for _ in range(3):
            assert canary.look() is None
        assert canary.look() is None
        for song in canary._songs.values():
            first = song.since
            wait_until(
                lambda song=song, canary=canary, first=first: canary.look() is None and song.since > first
            )


def test_it_stops_looking_when_the_worker_leaves(canary: Canary) -> None:
    leaving = Leaving()
    leaving.announce()
    assert canary.watch(leaving) is None
    assert canary._songs == {}
