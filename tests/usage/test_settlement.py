"""What counts: the table of docs/usage.md, row by row."""

import pytest

from riverrun.runs.models import RunStatus
from riverrun.streaming.snapshot import Snapshot
from riverrun.usage.settlement import RELEASED, Settlement, estimated_tokens, settle_attempt, settle_orphan

COUNTED = Settlement(counts=True, tokens=7)


@pytest.mark.parametrize(
    ("status", "was_asked", "was_heard", "expected"),
    [
        (RunStatus.COMPLETED, True, True, COUNTED),
        (RunStatus.CANCELLED, True, False, COUNTED),
        (RunStatus.CANCELLED, True, True, COUNTED),
        (RunStatus.CANCELLED, False, False, RELEASED),
        (RunStatus.CANCELLED, False, True, COUNTED),
        (RunStatus.ERROR, True, True, COUNTED),
        (RunStatus.ERROR, True, False, RELEASED),
        (RunStatus.ERROR, False, True, RELEASED),
        (RunStatus.ERROR, False, False, RELEASED),
    ],
)
def test_a_worker_settles_by_what_was_asked_and_heard(
    status: RunStatus, was_asked: bool, was_heard: bool, expected: Settlement
) -> None:
    assert settle_attempt(status, was_asked=was_asked, was_heard=was_heard, tokens=7) == expected


def test_a_run_that_nobody_worked_on_is_given_back() -> None:
    assert settle_orphan("Why?", Snapshot()) == RELEASED


@pytest.mark.parametrize(
    ("said", "tokens"),
    [
        (Snapshot(texts=["x" * 9]), 4),
        (Snapshot(thoughts=["x" * 4]), 2),
        (Snapshot(tool_calls=[{"name": "t"}]), 1),
    ],
)
def test_a_run_whose_worker_is_gone_counts_by_what_was_recorded(said: Snapshot, tokens: int) -> None:
    assert settle_orphan("Why?", said) == Settlement(counts=True, tokens=tokens)


@pytest.mark.parametrize(
    ("texts", "tokens"), [((), 0), (("",), 0), (("a",), 1), (("abcd",), 1), (("abcd", "e"), 2)]
)
def test_four_characters_are_a_token(texts: tuple[str, ...], tokens: int) -> None:
    assert estimated_tokens(*texts) == tokens
