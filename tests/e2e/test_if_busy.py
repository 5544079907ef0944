"""Questions to a busy conversation, with real workers: they wait, interrupt, or take the other back."""

from datetime import datetime
from itertools import pairwise
from typing import Any

import httpx2
from tests.support.reading import assert_whole, read_all, read_until, text_of

from riverrun.cli.client import RiverrunClient

QUESTION = "How is a form with uploaded files parsed?"
MOST_SECONDS_BETWEEN = 5.0


def post(http: httpx2.Client, conversation_id: str, question: str, if_busy: str = "reject") -> str:
    response = http.post(
        f"/api/v1/conversations/{conversation_id}/message",
        params={"background": "true", "if_busy": if_busy},
        json={"content": question},
    )
    assert response.status_code == 202, response.text
    run_id: str = response.json()["run_id"]
    return run_id


def shown(http: httpx2.Client, conversation_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = http.get(f"/api/v1/conversations/{conversation_id}/messages").json()
    return found


def moment(run: dict[str, Any], name: str) -> datetime:
    return datetime.fromisoformat(run[name])


def assert_one_after_the_other(runs: list[dict[str, Any]]) -> None:
    """No overlap, and no idle time worth mentioning."""
    for before, after in pairwise(runs):
        pause = (moment(after, "started_at") - moment(before, "ended_at")).total_seconds()
        assert 0 <= pause < MOST_SECONDS_BETWEEN


def test_enqueued_questions_are_answered_in_their_order_without_overlap(
    client: RiverrunClient, http: httpx2.Client, conversation_id: str
) -> None:
    questions = [f"{QUESTION} ({number})" for number in range(4)]
    run_ids = [post(http, conversation_id, question, "enqueue") for question in questions]
    for run_id in run_ids:
        events = read_all(client, run_id)
        assert_whole(events)
        assert events[-1].data["status"] == "completed"
    assert_one_after_the_other([client.run(run_id) for run_id in run_ids])
    messages = shown(http, conversation_id)
    assert [message["content"] for message in messages[::2]] == questions
    assert [message["run_id"] for message in messages[1::2]] == run_ids


def test_an_interrupt_keeps_the_half_answer_and_goes_on_at_once(
    client: RiverrunClient, http: httpx2.Client, conversation_id: str
) -> None:
    first = post(http, conversation_id, QUESTION)
    read_until(client, first, "text")
    second = post(http, conversation_id, "How are cookies signed?", "interrupt")
    stopped = read_all(client, first)
    assert_whole(stopped)
    assert stopped[-1].data["status"] == "cancelled"
    assert read_all(client, second)[-1].data["status"] == "completed"
    assert_one_after_the_other([client.run(first), client.run(second)])
    _, partial, _, whole = shown(http, conversation_id)
    assert (partial["content"], partial["reason"]) == (text_of(stopped), "cancelled")
    assert (whole["run_id"], whole["reason"]) == (second, None)


def test_a_rollback_leaves_no_trace_in_the_conversation(
    client: RiverrunClient, http: httpx2.Client, conversation_id: str
) -> None:
    first = post(http, conversation_id, QUESTION)
    read_until(client, first, "text")
    second = post(http, conversation_id, "How are cookies signed?", "rollback")
    stopped = read_all(client, first)
    assert_whole(stopped)
    assert stopped[-1].data["status"] == "cancelled"
    assert read_all(client, second)[-1].data["status"] == "completed"
    question, answer = shown(http, conversation_id)
    assert (question["content"], answer["run_id"]) == ("How are cookies signed?", second)
    assert read_all(client, first) == stopped


def test_a_stop_lets_the_next_one_begin(
    client: RiverrunClient, http: httpx2.Client, conversation_id: str
) -> None:
    first = post(http, conversation_id, QUESTION)
    second = post(http, conversation_id, "How are cookies signed?", "enqueue")
    read_until(client, first, "text")
    receipt = http.post(f"/api/v1/conversations/{conversation_id}/stop").json()
    assert (receipt["run_id"], receipt["status"]) == (first, "cancelled")
    assert read_all(client, second)[-1].data["status"] == "completed"
    assert_one_after_the_other([client.run(first), client.run(second)])
