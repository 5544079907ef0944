"""The ledger's check sees each breach that is planted."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Engine, delete, insert, text, update
from tests.chaos.ledger_checks import check_ledger
from tests.support.stories import make_run, text_event

from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.runs import statements as run_statements
from riverrun.runs.models import Run
from riverrun.usage import statements
from riverrun.usage.models import UsageCounter, UsageEntry
from riverrun.usage.settlement import RELEASED, Settlement

SETTLED = Settlement(counts=True, tokens=7)


class PlantedSite:
    """A site that is nothing but its record."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url

    @contextmanager
    def sql(self) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(self._database_url, autocommit=True) as connection:
            yield connection


class Planted:
    """A run of one conversation with its question in the ledger, and what the check says of it."""

    def __init__(self, engine: Engine, user_id: UUID, database_url: str) -> None:
        self._engine = engine
        self._site: Any = PlantedSite(database_url)
        subject_id = new_uuid()
        self.conversations = [str(subject_id)]
        self.run_id = make_run(engine, user_id, subject_id=subject_id)
        entry = {"run_id": self.run_id, "user_id": user_id, "api_key_id": None, "organisation_ids": []}
        tokens = {"reserved_tokens": 9, "tokens": 9, "state": "reserved"}
        named = {"kind": "answer", "agent_id": "an_agent", "asked_on": now().date(), "created_at": now()}
        self.do(statements.reserve({**entry, **tokens, **named}))

    def do(self, statement: Any) -> None:
        with self._engine.begin() as connection:
            connection.execute(statement)

    def end(self, status: str, settlement: Settlement) -> None:
        self.do(update(Run).where(Run.id == self.run_id).values(status=status))
        self.do(statements.settle(self.run_id, settlement))

    def objections(self) -> list[str]:
        story: Any = self
        return [str(found) for found in check_ledger(self._site, story)]


@pytest.fixture
def planted(engine: Engine, user_id: UUID, database_url: str) -> Planted:
    return Planted(engine, user_id, database_url)


@pytest.mark.parametrize(
    ("status", "settlement"),
    [
        ("completed", SETTLED),
        ("cancelled", SETTLED),
        ("cancelled", RELEASED),
        ("error", RELEASED),
        ("error", SETTLED),
    ],
)
def test_a_question_that_ended_with_its_run_is_as_it_should_be(
    planted: Planted, status: str, settlement: Settlement
) -> None:
    planted.end(status, settlement)
    assert planted.objections() == []


def test_an_open_question_is_seen(planted: Planted) -> None:
    [found] = planted.objections()
    assert "is reserved" in found


def test_a_question_that_was_never_entered_is_seen(planted: Planted) -> None:
    planted.end("completed", SETTLED)
    planted.do(delete(UsageEntry))
    planted.do(delete(UsageCounter))
    [found] = planted.objections()
    assert "is None" in found


def test_a_free_answer_is_seen(planted: Planted) -> None:
    planted.end("completed", RELEASED)
    [found] = planted.objections()
    assert "was given back" in found


def test_a_stopped_answer_whose_words_were_free_is_seen(planted: Planted) -> None:
    planted.end("cancelled", RELEASED)
    planted.do(run_statements.insert_events(planted.run_id, [text_event(2)]))
    [found] = planted.objections()
    assert "was given back" in found


@pytest.mark.parametrize(
    "breach",
    [
        update(UsageCounter).values(questions=2),
        update(UsageCounter).where(UsageCounter.period == "day").values(tokens=8),
        delete(UsageCounter).where(UsageCounter.period == "month"),
        update(UsageEntry).values(tokens=8),
    ],
)
def test_a_counter_that_is_not_the_sum_of_its_entries_is_seen(planted: Planted, breach: Any) -> None:
    planted.end("completed", SETTLED)
    planted.do(breach)
    assert planted.objections()
    assert all("is not the sum" in found for found in planted.objections())


def test_a_counter_without_any_entry_is_seen(planted: Planted) -> None:
    planted.end("completed", SETTLED)
    stray = {
        "holder_kind": "user",
        "holder_id": new_uuid(),
        "period": "day",
        "starts_on": text("current_date"),
    }
    planted.do(insert(UsageCounter).values(**stray, questions=1, tokens=1))
    assert len(planted.objections()) == 1
