"""What is too large for a frame: cut, or stored and pointed to; never refused in mid-answer."""

from uuid import UUID

import pytest
from sqlalchemy import Engine, select
from tests.support.run_reading import keep, recorded, row_of, says

from riverrun.infra.worker_resources import WorkerResources
from riverrun.runs.attempt import Attempt
from riverrun.runs.outsized import pointer_to, split, stored_result
from riverrun.runs.performance import perform_run
from riverrun.runs.tool_records import ToolResult
from riverrun.streaming.errors import OversizedFrame
from riverrun.streaming.events import MAX_FRAME_BYTES

HUGE = 'ä\x01"\\' * 40_000


def result_of(engine: Engine, run_id: UUID, call_id: str) -> str:
    with engine.connect() as connection:
        return connection.execute(stored_result(run_id, call_id)).one().result


def test_a_long_text_becomes_events_that_fit_and_are_the_same_text(
    worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    perform_run(queued_run, worker, says(HUGE), keep)
    events = recorded(engine, queued_run)
    assert max(len(event.data) for event in events) <= MAX_FRAME_BYTES
    assert "".join(event.fields["text"] for event in events if event.type == "text") == HUGE
    assert events[-1].fields["chars"] == len(HUGE)


@pytest.mark.parametrize("event_type", ["text", "thinking"])
def test_what_fits_stays_one_event(event_type: str) -> None:
    assert split(event_type, {"text": "short"}) == [{"text": "short"}]


def test_a_large_result_is_stored_and_pointed_to(
    worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    def work(attempt: Attempt) -> None:
        attempt.emit("tool_call", call_id="a/1", name="read", arguments={})
        attempt.emit("tool_result", call_id="a/1", result=HUGE)
        assert result_of(engine, queued_run, "a/1") == HUGE  # it is there before anybody is pointed to it
        assert attempt.snapshot.tool_calls[0]["pointer"] == pointer_to(queued_run, "a/1")

    perform_run(queued_run, worker, work, keep)
    told = next(event.fields for event in recorded(engine, queued_run) if event.type == "tool_result")
    pointer = f"/api/v1/runs/{queued_run}/results/a%2F1"
    assert told == {
        "seq": 4, "attempt": 1, "call_id": "a/1", "pointer": pointer, "bytes": len(HUGE.encode())
    }  # fmt: skip
    assert row_of(engine, queued_run).status == "completed"


def test_a_result_that_fits_is_told_as_it_is(
    worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    perform_run(
        queued_run, worker, lambda attempt: attempt.emit("tool_result", call_id="1", result="x"), keep
    )
    assert [
        event.fields["result"] for event in recorded(engine, queued_run) if event.type == "tool_result"
    ] == ["x"]
    with engine.connect() as connection:
        assert connection.execute(select(ToolResult)).all() == []


def test_the_result_of_a_newer_attempt_takes_the_place_of_the_same_call(
    worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    def work(attempt: Attempt) -> None:
        attempt.emit("tool_result", call_id="1", result=HUGE)
        attempt.emit("tool_result", call_id="1", result=HUGE + "newer")

    perform_run(queued_run, worker, work, keep)
    assert result_of(engine, queued_run, "1") == HUGE + "newer"


def test_anything_else_that_is_too_large_is_refused_and_nothing_was_said(
    worker: WorkerResources, engine: Engine, queued_run: UUID
) -> None:
    def work(attempt: Attempt) -> None:
        with pytest.raises(OversizedFrame):
            attempt.emit("tool_call", call_id="1", name="read", arguments={"path": HUGE})
        attempt.emit("text", text="goes on")

    perform_run(queued_run, worker, work, keep)
    assert [event.type for event in recorded(engine, queued_run)] == ["queued", "started", "text", "end"]
