"""The reader's own reading of the contract objects to each thing that the contract forbids."""

import hashlib
import json
from typing import Any

import pytest
from tests.chaos.answer_fold import AnswerFold, Objection, TakenBack


def give(fold: AnswerFold, event_id: str, event_type: str, **fields: Any) -> None:
    attempt, seq = map(int, event_id.split("-"))
    fold.take(event_id, event_type, json.dumps({"seq": seq, "attempt": attempt, **fields}).encode())


def end_of(text: str, seq: int) -> dict[str, Any]:
    return {"chars": len(text), "events": seq, "text_sha256": hashlib.sha256(text.encode()).hexdigest()}


@pytest.fixture
def fold() -> AnswerFold:
    """Two words in."""
    fold = AnswerFold()
    give(fold, "1-1", "queued")
    give(fold, "1-2", "text", text="one ")
    give(fold, "1-3", "text", text="two ")
    return fold


def test_a_whole_answer_is_taken(fold: AnswerFold) -> None:
    give(fold, "1-4", "end", **end_of("one two ", 4))
    assert fold.text == "one two "


def test_a_second_attempt_replaces_what_it_does_not_keep(fold: AnswerFold) -> None:
    give(fold, "2-2", "attempt", keeps_seq=1)
    give(fold, "2-3", "text", text="other")
    give(fold, "2-4", "end", **end_of("other", 4))
    assert fold.text == "other"


def test_a_reset_replaces_everything(fold: AnswerFold) -> None:
    give(fold, "2-9", "reset", snapshot={"text": "new "}, position="2-9")
    give(fold, "2-10", "text", text="end")
    assert fold.text == "new end"


def test_a_snapshot_that_is_taken_back_sends_the_reader_to_the_start(fold: AnswerFold) -> None:
    give(fold, "2-9", "reset", snapshot={"text": "new "}, position="2-9")
    with pytest.raises(TakenBack):
        give(fold, "3-2", "attempt", keeps_seq=1)


@pytest.mark.parametrize(
    ("invariant", "event_id", "event_type", "fields"),
    [
        ("I3", "1-5", "text", {"text": "skipped one"}),
        ("I3", "1-3", "text", {"text": "again"}),
        ("I5", "2-4", "text", {"text": "an attempt that never began"}),
        ("I5", "1-4", "attempt", {"keeps_seq": 3}),
        ("I3", "2-9", "attempt", {"keeps_seq": 8}),
        ("I3", "2-4", "attempt", {"keeps_seq": 1}),
        ("I2", "1-4", "end", end_of("something else", 4)),
        ("I3", "1-4", "end", end_of("one two ", 9)),
        ("I3", "2-9", "reset", {"snapshot": {"text": ""}, "position": "2-8"}),
    ],
)
def test_what_the_contract_forbids_is_objected_to(
    fold: AnswerFold, invariant: str, event_id: str, event_type: str, fields: dict[str, Any]
) -> None:
    with pytest.raises(Objection) as found:
        give(fold, event_id, event_type, **fields)
    assert found.value.invariant == invariant


def test_nothing_comes_after_the_end(fold: AnswerFold) -> None:
    give(fold, "1-4", "end", **end_of("one two ", 4))
    with pytest.raises(Objection, match="I4"):
        give(fold, "1-5", "text", text="more")


def test_an_id_that_is_not_that_of_its_data_is_objected_to(fold: AnswerFold) -> None:
    with pytest.raises(Objection, match="I3"):
        fold.take("1-5", "text", b'{"seq":4,"attempt":1,"text":"x"}')
