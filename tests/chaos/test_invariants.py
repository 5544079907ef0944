"""The checks of the record see each breach that is planted, and nothing in a log that is sound."""

from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from sqlalchemy import insert
from tests.chaos.answer_fold import AnswerFold, Objection
from tests.chaos.invariants import AT_EVERY_STEP, fold_of, judge_log, judge_reader, judge_text
from tests.support.scripted_model import Script
from tests.support.stories import make_run, make_user

from riverrun.infra.database import open_engine
from riverrun.kit.ids import new_uuid
from riverrun.runs.models import RunEvent

QUEUED = (1, 1, "queued")
SOUND = [QUEUED, (1, 2, "started"), (1, 3, "text"), (1, 4, "end")]


def breaches(database_url: str, events: list[tuple[int, int, str]]) -> set[str]:
    """Which invariants the checks after each step find broken by a run with these events."""
    engine, subject_id = open_engine(database_url), new_uuid()
    run_id = make_run(engine, make_user(engine), subject_id=subject_id)
    rows = [
        {"run_id": run_id, "attempt": attempt, "seq": seq, "type": kind, "data": "{}"}
        for attempt, seq, kind in events
        if seq > 1
    ]
    with engine.begin() as connection:
        connection.execute(insert(RunEvent).values(rows))
    engine.dispose()
    with psycopg.connect(database_url) as record:
        return {
            invariant
            for invariant, statement in AT_EVERY_STEP.items()
            if record.execute(statement, ([str(subject_id)],)).fetchall()
        }


@pytest.mark.parametrize(
    ("events", "broken"),
    [
        (SOUND, set()),
        ([QUEUED, (2, 2, "attempt"), (2, 3, "text"), (2, 4, "end")], set()),
        ([QUEUED, (1, 2, "started"), (1, 4, "text")], {"I3"}),
        ([*SOUND, (1, 5, "text")], {"I4"}),
        ([*SOUND, (1, 5, "end")], {"I4"}),
        ([QUEUED, (2, 2, "text")], {"I5"}),
        ([QUEUED, (2, 2, "attempt"), (1, 3, "text")], {"I5"}),
    ],
)
def test_a_breach_in_the_record_is_seen_in_mid_run(
    database_url: str, events: list[tuple[int, int, str]], broken: set[str]
) -> None:
    assert breaches(database_url, events) == broken


SCRIPT = Script("q1", pieces=3)
TEXT = "".join(SCRIPT.words(7))


def a_run(status: str = "completed") -> dict[str, Any]:
    return {
        "id": "r",
        "status": status,
        "kind": "answer",
        "is_rolled_back": False,
        "payload": {"question": SCRIPT.question},
        "end_seq": 4,
    }


def said(text: str) -> AnswerFold:
    fold = AnswerFold(base_text=text)
    fold.end = {"status": "completed"}
    return fold


def messages(*answers: str) -> list[dict[str, Any]]:
    question = {"type": "HUMAN", "content": SCRIPT.question}
    return [question, *({"type": "AI_GENERATED", "content": answer} for answer in answers)]


def invariants_of(found: Any) -> set[str]:
    return {one.invariant for one in found}


@pytest.mark.parametrize(
    ("text", "stored", "broken"),
    [
        (TEXT, messages(TEXT), set()),
        (TEXT, messages(TEXT[:-3]), {"I2"}),
        (TEXT, messages(), {"I2"}),
        (TEXT, messages(TEXT, TEXT), {"I1"}),
        (TEXT, messages(TEXT)[1:], {"I1"}),
        (SCRIPT.words(7)[0] + "".join(SCRIPT.words(8)[1:]), None, {"I10"}),
        (SCRIPT.words(7)[0], None, {"I10"}),
        (TEXT.replace("q1", "q2"), None, {"I10"}),
    ],
)
def test_a_text_that_is_not_the_one_answer_is_seen(
    text: str, stored: list[dict[str, Any]] | None, broken: set[str]
) -> None:
    assert invariants_of(judge_text(a_run(), said(text), stored or messages(text))) == broken


def test_an_end_that_is_not_that_of_the_row_is_seen() -> None:
    log = [{"attempt": 1, "seq": seq, "type": kind, "data": "{}"} for _, seq, kind in SOUND]
    assert invariants_of(judge_log(a_run(), log, said(TEXT))) == set()
    assert invariants_of(judge_log(a_run("error"), log, said(TEXT))) == {"I4"}
    assert invariants_of(judge_log(a_run(), log[:-1], AnswerFold())) == {"I4"}


def test_a_tool_call_that_stands_twice_is_seen() -> None:
    call = {"attempt": 1, "type": "tool_call", "data": '{"call_id": "c"}'}
    log = [call | {"seq": 1}, call | {"seq": 2}, {"attempt": 1, "seq": 4, "type": "end", "data": "{}"}]
    assert invariants_of(judge_log(a_run(), log, said(TEXT))) == {"I6"}


@dataclass
class Reader:
    """What a reader has in hand."""

    fold: AnswerFold
    run_id: str = "r"
    resets: int = 0
    objections: list[Objection] = field(default_factory=list)


def test_a_reader_with_other_bytes_than_the_record_is_seen() -> None:
    data = '{"seq":1,"attempt":1,"text":"a"}'
    log = [{"attempt": 1, "seq": 1, "type": "text", "data": data}]
    record, held = fold_of(log), fold_of(log)
    held.end = {}
    assert invariants_of(judge_reader(Reader(held), log, record)) == set()  # type: ignore[arg-type]
    held.events.clear()
    assert invariants_of(judge_reader(Reader(held), log, record)) == {"I2"}  # type: ignore[arg-type]
