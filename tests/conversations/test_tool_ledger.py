"""Tools that change something do it once a call, whatever dies meanwhile."""

import asyncio
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from pydantic_ai import ToolFailed
from sqlalchemy import Engine, select
from tests.support import effect_story
from tests.support.effect_story import AFTER_THE_RESULT, IN_THE_EFFECT, perform_story
from tests.support.run_reading import expire_lease, keep, recorded, row_of

from riverrun.agents.effects import NOT_REPEATED, Effects
from riverrun.conversations.tool_ledger import ToolLedger
from riverrun.infra.settings import Settings
from riverrun.infra.worker_resources import WorkerResources
from riverrun.runs.attempt import Attempt
from riverrun.runs.performance import perform_run
from riverrun.runs.tool_records import ToolEffect
from riverrun.streaming.errors import Fenced


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """What the tool changes."""
    path = tmp_path / "world"
    path.touch()
    return path


def die_in_a_process(settings: Settings, run_id: UUID, world: Path, dies: str) -> None:
    """The first attempt, in a worker that is killed at ``dies``."""
    died = subprocess.run(
        [sys.executable, "-m", effect_story.__name__, settings.database_url or "", settings.redis_url or "",
         str(run_id), str(world), dies],
        timeout=60, check=False,
    )  # fmt: skip
    assert died.returncode == -signal.SIGKILL


def states(engine: Engine, run_id: UUID) -> list[tuple[int, str]]:
    with engine.connect() as connection:
        rows = connection.execute(
            select(ToolEffect.attempt, ToolEffect.state).where(ToolEffect.run_id == run_id)
        )
        return [(row.attempt, row.state) for row in rows]


def told(engine: Engine, run_id: UUID) -> str:
    return "".join(event.fields["text"] for event in recorded(engine, run_id) if event.type == "text")


def test_a_worker_killed_between_the_effect_and_its_result_has_no_second_effect(
    settings: Settings, worker: WorkerResources, engine: Engine, queued_run: UUID, world: Path
) -> None:
    die_in_a_process(settings, queued_run, world, IN_THE_EFFECT)
    assert states(engine, queued_run) == [(1, "begun")]
    expire_lease(engine, queued_run)
    perform_story(queued_run, worker, world)
    assert world.read_text() == "once\n"
    assert row_of(engine, queued_run).status == "completed"
    assert told(engine, queued_run) == NOT_REPEATED


def test_a_result_that_was_noted_is_told_again_and_nothing_is_done_again(
    settings: Settings, worker: WorkerResources, engine: Engine, queued_run: UUID, world: Path
) -> None:
    die_in_a_process(settings, queued_run, world, AFTER_THE_RESULT)
    expire_lease(engine, queued_run)
    perform_story(queued_run, worker, world)
    assert world.read_text() == "once\n"
    assert states(engine, queued_run) == [(1, "done")]
    assert told(engine, queued_run) == "written: once"


def test_two_equal_calls_of_one_answer_are_two_effects(
    worker: WorkerResources, engine: Engine, queued_run: UUID, world: Path
) -> None:
    perform_story(queued_run, worker, world, calls=2)
    assert world.read_text() == "once\nonce\n"
    assert told(engine, queued_run) == "written: once | written: once"


def taken_over(worker: WorkerResources, engine: Engine, run_id: UUID, first, second) -> None:
    """Perform the run twice: the first attempt is abandoned after its work, as by a worker that dies then."""

    def abandoned(attempt: Attempt) -> None:
        asyncio.run(first(Effects(ToolLedger(attempt, worker.engine))))
        attempt._release_keeper()
        expire_lease(engine, run_id)
        raise Fenced

    perform_run(run_id, worker, abandoned, keep)
    perform_run(
        run_id, worker, lambda attempt: asyncio.run(second(Effects(ToolLedger(attempt, worker.engine)))), keep
    )
    assert row_of(engine, run_id).status == "completed"


def test_of_equal_calls_the_next_attempt_makes_those_that_were_not_made(
    worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    made: list[str] = []

    def calls(count: int):
        async def make(effects: Effects) -> None:
            for number in range(count):
                assert (
                    await effects.once("send", {"b": 1, "a": [2]}, partial(note, number)) == f"sent {number}"
                )

        return make

    async def note(number: int) -> str:
        made.append(f"sent {number}")
        return made[-1]

    taken_over(worker, engine, queued_run, calls(2), calls(3))
    assert made == ["sent 0", "sent 1", "sent 2"]


def test_a_call_that_failed_without_effect_is_told_so_again(
    worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    tries: list[int] = []

    async def refused() -> str:
        tries.append(1)
        raise ToolFailed("the other side says no")

    async def call(effects: Effects) -> None:
        with pytest.raises(ToolFailed, match="says no"):
            await effects.once("send", {}, refused)

    taken_over(worker, engine, queued_run, call, call)
    assert len(tries) == 1


def test_a_call_that_broke_may_have_had_its_effect_and_is_not_repeated(
    worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    async def breaks() -> str:
        raise ConnectionResetError

    async def first(effects: Effects) -> None:
        with pytest.raises(ConnectionResetError):
            await effects.once("send", {}, breaks)

    async def second(effects: Effects) -> None:
        with pytest.raises(ToolFailed, match="cut off"):
            await effects.once("send", {}, breaks)

    taken_over(worker, engine, queued_run, first, second)
    assert states(engine, queued_run) == [(1, "begun")]


def test_an_attempt_that_lost_its_run_changes_nothing_any_more(
    worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    made: list[str] = []

    async def perform() -> str:
        made.append("too late")
        return ""

    def zombie(attempt: Attempt) -> None:
        attempt._release_keeper()
        expire_lease(engine, queued_run)
        perform_run(queued_run, worker, lambda _: None, keep)
        asyncio.run(Effects(ToolLedger(attempt, worker.engine)).once("send", {}, perform))

    perform_run(queued_run, worker, zombie, keep)
    assert made == []
    assert states(engine, queued_run) == []
