"""A log is folded page by page to what it was at once, whatever later attempts take back."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.support.stories import take_over, text_event

from riverrun.streaming.cursor import START, Position
from riverrun.streaming.events import Event
from riverrun.streaming.snapshot import LogFold, Snapshot

CALLS = st.sampled_from(["c1", "c2"])
SAYINGS = st.one_of(
    st.tuples(st.just("text"), st.fixed_dictionaries({"text": st.text(max_size=3)})),
    st.tuples(st.just("thinking"), st.fixed_dictionaries({"text": st.text(max_size=3)})),
    st.tuples(st.just("citation"), st.fixed_dictionaries({"path": st.text(max_size=3)})),
    st.tuples(st.just("tool_call"), st.fixed_dictionaries({"call_id": CALLS, "name": st.just("t")})),
    st.tuples(st.just("tool_result"), st.fixed_dictionaries({"call_id": CALLS, "result": st.text(max_size=3)})),
    st.tuples(st.just("attempt"), st.fixed_dictionaries({"keeps": st.integers(0, 20)})),
)  # fmt: skip


def log_of(sayings: list[tuple[str, dict[str, Any]]]) -> list[Event]:
    """A log as a reader meets it; an attempt keeps at most what there is."""
    log, position = [], START
    for kind, fields in sayings:
        attempt, seq = max(position.attempt, 1), position.seq
        if kind == "attempt":
            attempt, seq = attempt + 1, min(seq, fields["keeps"])
            fields = {"keeps_seq": seq}
        position = Position(attempt, seq + 1)
        log.append(Event.create(position, kind, fields))
    return log


def valid_part(log: list[Event]) -> list[Event]:
    valid: list[Event] = []
    for event in log:
        if (keeps_seq := event.keeps_seq) is not None:
            valid = [kept for kept in valid if kept.position.seq <= keeps_seq]
        valid.append(event)
    return valid


@given(st.lists(SAYINGS, max_size=40), st.integers(1, 7))
def test_a_log_folded_in_pages_is_what_is_valid_of_it(
    sayings: list[tuple[str, dict[str, Any]]], page: int
) -> None:
    log, fold = log_of(sayings), LogFold()
    for start in range(0, len(log), page):
        fold.take(log[start : start + page])
    assert fold.snapshot == Snapshot.of(valid_part(log)) == Snapshot.of_log(log)
    assert fold.position == (log[-1].position if log else START)


def test_a_result_that_is_taken_back_leaves_its_call() -> None:
    call = Event.create(Position(1, 2), "tool_call", {"call_id": "c", "name": "t"})
    result = Event.create(Position(1, 3), "tool_result", {"call_id": "c", "result": "r"})
    told = Snapshot.of_log([text_event(1), call, result, take_over(3, attempt=2)])
    assert told.tool_calls == [{"call_id": "c", "name": "t"}]
    assert told.text == "word "
