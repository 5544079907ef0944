"""The checks at rest see each breach that is planted: overlap, what is left behind, memory, a late start, effects."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
import redis
from sqlalchemy import Engine, delete, update
from tests.chaos.chaos_site import APIS
from tests.chaos.invariants import (
    AT_EVERY_STEP,
    MOST_API_BYTES,
    NOTHING_LEFT,
    check_effects,
    check_lines,
    check_memory,
)
from tests.chaos.rest import expect, nothing_waits
from tests.support.stories import make_run
from tests.support.waiting import wait_until

from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.runs.models import OutboxEntry, Run, RunStatus

MORE_THAN_AN_API_BYTES = 2 * MOST_API_BYTES
SOON_SECONDS = 0.2


class PlantedSite:
    """A site that is nothing but its record, its Redis and its processes' ids."""

    def __init__(self, database_url: str, redis_url: str, folder: Path) -> None:
        self.database_url = database_url
        self.redis_url = redis_url
        self.world = folder / "world.txt"
        self.pids: dict[str, int] = {}

    @contextmanager
    def sql(self) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            yield connection

    @contextmanager
    def redis(self) -> Iterator[redis.Redis]:
        with redis.Redis.from_url(self.redis_url) as client:
            yield client


class PlantedStory:
    """The conversations and runs that a schedule knows of."""

    def __init__(self, conversations: list[str], run_ids: list[str]) -> None:
        self.conversations = conversations
        self.run_ids = run_ids
        self.objections: list[Any] = []


@pytest.fixture
def site(database_url: str, redis_url: str, tmp_path: Path) -> Any:
    return PlantedSite(database_url, redis_url, tmp_path)


@pytest.fixture
def subject_id() -> UUID:
    return new_uuid()


@pytest.fixture
def two_runs(engine: Engine, user_id: UUID, subject_id: UUID) -> list[UUID]:
    """Of one conversation."""
    return [make_run(engine, user_id, subject_id=subject_id) for _ in range(2)]


def set_run(engine: Engine, run_id: UUID, **values: Any) -> None:
    with engine.begin() as connection:
        connection.execute(update(Run).where(Run.id == run_id).values(**values))


@pytest.mark.parametrize(("gap_seconds", "broken"), [(1.0, set()), (-1.0, {"I7"})])
def test_runs_of_one_conversation_that_overlap_are_seen(
    site: Any, engine: Engine, subject_id: UUID, two_runs: list[UUID], gap_seconds: float, broken: set[str]
) -> None:
    first_ended_at = now()
    times = [
        (first_ended_at - timedelta(seconds=5), first_ended_at),
        (first_ended_at + timedelta(seconds=gap_seconds), first_ended_at + timedelta(seconds=9)),
    ]
    for run_id, (started_at, ended_at) in zip(two_runs, times, strict=True):
        set_run(engine, run_id, status=RunStatus.COMPLETED, started_at=started_at, ended_at=ended_at)
    story: Any = PlantedStory([str(subject_id)], [])
    assert {found.invariant for found in check_lines(site, story)} == broken


def test_two_runs_of_one_conversation_under_way_at_once_are_seen_in_mid_run(
    site: Any, engine: Engine, subject_id: UUID, two_runs: list[UUID]
) -> None:
    with site.sql() as record:
        assert record.execute(AT_EVERY_STEP["I7"], ([str(subject_id)],)).fetchall() == []
        record.execute("DROP INDEX uq_runs_running_subject")  # else the database itself would not have it
    for run_id in two_runs:
        set_run(engine, run_id, status=RunStatus.RUNNING, started_at=now())
    with site.sql() as record:
        assert record.execute(AT_EVERY_STEP["I7"], ([str(subject_id)],)).fetchall() != []


@contextmanager
def a_wake_up(site: Any, engine: Engine, user_id: UUID) -> Iterator[None]:
    run_id = make_run(engine, user_id)
    yield
    with engine.begin() as connection:
        connection.execute(delete(OutboxEntry).where(OutboxEntry.run_id == run_id))


@contextmanager
def a_lease(site: Any, engine: Engine, user_id: UUID) -> Iterator[None]:
    run_id = make_run(engine, user_id)
    set_run(engine, run_id, lease_owner="somebody:1:1")
    yield
    set_run(engine, run_id, lease_owner=None)


@contextmanager
def an_open_transaction(site: Any, engine: Engine, user_id: UUID) -> Iterator[None]:
    with psycopg.connect(site.database_url) as connection:
        connection.execute("SELECT 1")
        yield


@contextmanager
def a_channel(site: Any, engine: Engine, user_id: UUID) -> Iterator[None]:
    with site.redis() as client, client.pubsub() as listener:
        listener.subscribe("run:left")
        listener.get_message(timeout=5)
        yield


@pytest.mark.parametrize(
    ("kind", "plant"),
    [
        ("wake-ups", a_wake_up),
        ("leases", a_lease),
        ("open transactions", an_open_transaction),
        ("channels", a_channel),
    ],
)
def test_what_is_left_behind_is_seen_for_as_long_as_it_is_there(
    site: Any, engine: Engine, user_id: UUID, kind: str, plant: Callable[..., Any]
) -> None:
    is_clean = NOTHING_LEFT[kind]
    assert is_clean(site)
    with plant(site, engine, user_id):
        assert not is_clean(site)
    wait_until(lambda: is_clean(site), what="the end of what was planted")


@pytest.mark.parametrize(("held_bytes", "broken"), [(0, set()), (MORE_THAN_AN_API_BYTES, {"I9"})])
def test_an_api_that_keeps_its_memory_is_seen(site: Any, held_bytes: int, broken: set[str]) -> None:
    code = f"import sys; held = b'x' * {held_bytes}; print('full', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        site.pids = dict.fromkeys(APIS, process.pid)
        assert {found.invariant for found in check_memory(site)} == broken
        process.kill()


def test_a_run_that_could_start_and_does_not_is_seen(site: Any, engine: Engine, user_id: UUID) -> None:
    story: Any = PlantedStory([], [])
    expect(story, "I11", "nothing waits", lambda: nothing_waits(site), SOON_SECONDS)
    assert story.objections == []
    make_run(engine, user_id)
    expect(story, "I11", "a run that could start did not", lambda: nothing_waits(site), SOON_SECONDS)
    assert [found.invariant for found in story.objections] == ["I11"]


def test_an_effect_that_happens_twice_or_is_not_noted_is_seen(site: Any, two_runs: list[UUID]) -> None:
    noted, unknown = map(str, two_runs)
    with site.sql() as connection:
        connection.execute(
            "INSERT INTO tool_effects (run_id, effect_id, tool, attempt, state, result, begun_at) "
            "VALUES (%s, 'e', 't', 1, 'done', '', now())",
            (noted,),
        )
    story: Any = PlantedStory([], [noted, unknown])
    site.world.write_text(f"{noted} q1\n{new_uuid()} q1\n{new_uuid()} q1\n")
    assert list(check_effects(site, story)) == []
    site.world.write_text(f"{noted} q1\n{noted} q1\n")
    assert [found.invariant for found in check_effects(site, story)] == ["I6"]
    site.world.write_text(f"{unknown} q1\n")
    assert [found.invariant for found in check_effects(site, story)] == ["I6"]
