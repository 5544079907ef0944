"""Stop has a receipt, and nothing after it."""

import httpx2
import pytest
from tests.support.reading import ask, assert_whole, read_all, read_until, text_of

from riverrun.cli.client import RiverrunClient

QUESTION = "How is a form with uploaded files parsed?"


def test_a_stop_in_mid_answer_saves_exactly_what_was_sent(
    client: RiverrunClient, http: httpx2.Client, conversation_id: str, key: str
) -> None:
    run_id = client.ask(conversation_id, QUESTION, key)
    read_until(client, run_id, "text")
    receipt = client.stop(run_id)
    events = read_all(client, run_id)
    assert_whole(events)
    assert events[-1].data["status"] == "cancelled"
    assert receipt["stopped_at"] == client.run(run_id)["ended_at"]
    text = text_of(events)
    assert (receipt["status"], receipt["saved_partial"], receipt["chars"]) == ("cancelled", True, len(text))
    answer = http.get(f"/api/v1/conversations/{conversation_id}/messages").json()[-1]
    assert (answer["id"], answer["content"], answer["reason"]) == (receipt["message_id"], text, "cancelled")


def test_a_stop_by_the_conversation_is_the_same_stop(
    client: RiverrunClient, http: httpx2.Client, conversation_id: str, key: str
) -> None:
    run_id = client.ask(conversation_id, QUESTION, key)
    read_until(client, run_id, "text")
    receipt = http.post(f"/api/v1/conversations/{conversation_id}/stop").json()
    assert (receipt["status"], receipt["run_id"]) == ("cancelled", run_id)
    assert read_all(client, run_id)[-1].data["status"] == "cancelled"


def test_stopping_twice_is_stopping_once(client: RiverrunClient, project_id: str) -> None:
    run_id = ask(client, project_id, QUESTION)
    read_until(client, run_id, "text")
    first = client.stop(run_id)
    events = read_all(client, run_id)
    assert client.stop(run_id) == first
    assert read_all(client, run_id) == events


def test_a_stop_after_the_end_changes_nothing(client: RiverrunClient, project_id: str) -> None:
    run_id = ask(client, project_id, QUESTION)
    events = read_all(client, run_id)
    receipt = client.stop(run_id)
    assert receipt["status"] == "completed"
    assert read_all(client, run_id) == events
    assert client.run(run_id)["status"] == "completed"


@pytest.mark.parametrize("attempt", range(3))
def test_a_stop_at_once_ends_the_run_before_or_after_it_began(
    client: RiverrunClient, project_id: str, attempt: int
) -> None:
    run_id = ask(client, project_id, QUESTION)
    receipt = client.stop(run_id)
    assert receipt["status"] == "cancelled"
    events = read_all(client, run_id)
    assert_whole(events)
    assert events[-1].data["status"] == "cancelled"


def test_a_stopped_conversation_takes_the_next_question(client: RiverrunClient, conversation_id: str) -> None:
    stopped = client.ask(conversation_id, QUESTION, f"{conversation_id}-1")
    read_until(client, stopped, "text")
    client.stop(stopped)
    after = client.ask(conversation_id, QUESTION, f"{conversation_id}-2")
    assert read_all(client, after)[-1].data["status"] == "completed"
