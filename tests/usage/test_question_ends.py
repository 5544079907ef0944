"""How workers end questions: what the model reported, who pays for a death, and what is given back."""

import threading
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine, select, text, update
from tests.support.asking import answer, ask
from tests.support.run_reading import expire_lease
from tests.support.usage_ledger import assert_balanced, assert_ended_with_their_runs, entries

from riverrun.agents.spending import Spending
from riverrun.conversations.agent_tasks import perform_answer, save_answer
from riverrun.infra.worker_leaving import Leaving
from riverrun.infra.worker_resources import WorkerResources
from riverrun.kit.clock import now
from riverrun.runs.attempt import Attempt
from riverrun.runs.models import Run
from riverrun.runs.performance import perform_run
from riverrun.usage.question_ends import release_question


@pytest.fixture
async def run_id(client: httpx2.AsyncClient, conversation: str) -> UUID:
    """A question that was accepted."""
    return UUID((await ask(client, conversation)).json()["run_id"])


def set_run(engine: Engine, run_id: UUID, **values: Any) -> None:
    with engine.begin() as connection:
        connection.execute(update(Run).where(Run.id == run_id).values(**values))


def spends(
    spending: Spending, *words: str, then: Exception | None = None, reported: tuple[int, int] = (1_000, 5)
) -> Any:
    """Work that turns to a model which says these words and reports these tokens of input and output."""

    def work(attempt: Attempt) -> None:
        spending.was_asked = True
        for word in words:
            spending.usage.input_tokens, spending.usage.output_tokens = reported
            attempt.emit("text", text=word)
        if then:
            raise then

    return work


def perform(worker: WorkerResources, run_id: UUID, *words: str, **how: Any) -> None:
    """``how`` is as of ``spends``."""
    spending = Spending()
    record = partial(save_answer, spending=spending)
    perform_run(run_id, worker, spends(spending, *words, **how), record, at_last=release_question)


def outcome(engine: Engine, run_id: UUID) -> tuple[str, int]:
    assert_balanced(engine)
    assert_ended_with_their_runs(engine)
    entry = entries(engine)[run_id]
    return entry.state, entry.tokens


async def test_the_built_in_models_own_estimate_is_taken(
    worker: WorkerResources, engine: Engine, run_id: UUID
) -> None:
    await answer(worker, str(run_id))
    state, tokens = outcome(engine, run_id)
    assert state == "settled"
    assert tokens > 100


async def test_a_whole_answer_costs_what_was_reported(
    worker: WorkerResources, engine: Engine, run_id: UUID
) -> None:
    perform(worker, run_id, "a" * 400)
    assert outcome(engine, run_id) == ("settled", 1_005)


@pytest.mark.parametrize("absurd", [2**32 - 1, 2**64 - 1, -1])
async def test_an_answer_whose_tokens_cannot_be_is_kept_and_costs_what_is_estimated(
    worker: WorkerResources, engine: Engine, run_id: UUID, absurd: int
) -> None:
    perform(worker, run_id, "a" * 400, reported=(absurd, absurd))
    state, tokens = outcome(engine, run_id)
    assert (state, 100 < tokens < 200) == ("settled", True)


async def test_an_answer_that_breaks_costs_its_words_if_more_than_was_reported(
    worker: WorkerResources, engine: Engine, run_id: UUID
) -> None:
    perform(worker, run_id, "a" * 400, then=ValueError("broken on purpose"))
    assert outcome(engine, run_id) == ("settled", 1_100)


async def test_a_model_that_is_refused_costs_nothing(
    worker: WorkerResources, engine: Engine, run_id: UUID
) -> None:
    perform(worker, run_id, then=ValueError("no such key"))
    assert outcome(engine, run_id) == ("released", 0)


async def test_a_model_that_is_not_set_up_costs_nothing(
    worker: WorkerResources, engine: Engine, run_id: UUID
) -> None:
    worker.settings.model = "nobody:knows-me"
    perform_answer(worker, run_id)
    assert outcome(engine, run_id) == ("released", 0)


async def test_a_poison_run_is_given_back_though_words_were_recorded(
    worker: WorkerResources, engine: Engine, run_id: UUID
) -> None:
    perform_run(run_id, worker, partial(_say_and_die, engine, run_id), save_answer)
    set_run(engine, run_id, deaths=worker.settings.max_attempts)
    perform(worker, run_id, "never said")
    assert outcome(engine, run_id) == ("released", 0)


async def test_a_death_costs_nobody_anything(worker: WorkerResources, engine: Engine, run_id: UUID) -> None:
    perform_run(run_id, worker, partial(_say_and_die, engine, run_id), save_answer)
    assert entries(engine)[run_id].state == "reserved"
    perform(worker, run_id, "b" * 40)
    assert outcome(engine, run_id) == ("settled", 1_005)


async def test_what_is_handed_over_is_settled_once_by_the_worker_that_ends_it(
    worker: WorkerResources, engine: Engine, run_id: UUID
) -> None:
    spending = Spending()

    def work(attempt: Attempt) -> None:
        interrupted = threading.Event()
        attempt.on_interrupt(interrupted.set)
        spends(spending, "half an answer")(attempt)
        worker.leaving.announce()
        assert interrupted.wait(10)
        attempt.check()

    perform_run(run_id, worker, work, partial(save_answer, spending=spending))
    assert entries(engine)[run_id].state == "reserved"
    assert_balanced(engine)
    perform(replace(worker, leaving=Leaving()), run_id, "b" * 40)
    assert outcome(engine, run_id) == ("settled", 1_005)


async def test_what_cannot_be_stored_is_given_back(
    worker: WorkerResources, engine: Engine, run_id: UUID
) -> None:
    perform_run(run_id, worker, partial(_say_and_die, engine, run_id), save_answer)
    set_run(engine, run_id, deaths=worker.settings.max_attempts)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE messages RENAME TO lost_messages"))
    perform_answer(worker, run_id)
    assert outcome(engine, run_id) == ("released", 0)
    with engine.connect() as connection:
        assert connection.scalar(select(Run.status).where(Run.id == run_id)) == "error"


async def test_a_late_worker_settles_nothing_any_more(
    worker: WorkerResources, engine: Engine, run_id: UUID
) -> None:
    spending = Spending()

    def work(attempt: Attempt) -> None:
        spends(spending, "late")(attempt)
        attempt._release_keeper()
        expire_lease(engine, run_id)
        perform(worker, run_id, "in time")

    perform_run(run_id, worker, work, partial(save_answer, spending=spending))
    assert outcome(engine, run_id) == ("settled", 1_005)


async def test_an_entry_knows_when_it_was_made(engine: Engine, run_id: UUID) -> None:
    made = entries(engine)[run_id].created_at
    assert made <= now()
    assert made.date() == entries(engine)[run_id].asked_on


def _say_and_die(engine: Engine, run_id: UUID, attempt: Attempt) -> None:
    """Words that are recorded, and then no word any more: the lease runs out."""
    attempt.emit("text", text="half an answer")
    attempt._release_keeper()
    attempt._beat()
    expire_lease(engine, run_id)
    attempt._fenced.set()
    attempt.check()
