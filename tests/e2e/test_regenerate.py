"""Answering again, with real workers."""

from typing import Any

import httpx2
from tests.support.reading import assert_whole, read_all, read_until, text_of

from riverrun.cli.client import RiverrunClient

QUESTION = "How is a form with uploaded files parsed?"


def regenerate(http: httpx2.Client, conversation_id: str) -> str:
    response = http.post(f"/api/v1/conversations/{conversation_id}/regenerate", params={"background": "true"})
    assert response.status_code == 202, response.text
    run_id: str = response.json()["run_id"]
    return run_id


def messages(http: httpx2.Client, conversation_id: str, *, siblings: bool = False) -> list[dict[str, Any]]:
    response = http.get(f"/api/v1/conversations/{conversation_id}/messages", params={"siblings": siblings})
    found: list[dict[str, Any]] = response.json()
    return found


def test_the_new_answer_takes_the_old_ones_place_at_its_end(
    client: RiverrunClient, http: httpx2.Client, conversation_id: str, key: str
) -> None:
    first = client.ask(conversation_id, QUESTION, key)
    read_all(client, first)
    second = regenerate(http, conversation_id)
    read_until(client, second, "text")
    assert messages(http, conversation_id)[-1]["run_id"] == first
    events = read_all(client, second)
    assert_whole(events)
    _, shown = messages(http, conversation_id)
    assert (shown["run_id"], shown["content"]) == (second, text_of(events))
    old, new = shown["siblings"]
    assert new == shown["id"]
    assert [message["id"] for message in messages(http, conversation_id, siblings=True)[1:]] == [old, new]


def test_a_stopped_one_leaves_the_old_answer_shown(
    client: RiverrunClient, http: httpx2.Client, conversation_id: str, key: str
) -> None:
    first = client.ask(conversation_id, QUESTION, key)
    read_all(client, first)
    second = regenerate(http, conversation_id)
    read_until(client, second, "text")
    receipt = client.stop(second)
    assert (receipt["status"], receipt["saved_partial"]) == ("cancelled", True)
    events = read_all(client, second)
    assert messages(http, conversation_id)[-1]["run_id"] == first
    partial = messages(http, conversation_id, siblings=True)[-1]
    assert (partial["id"], partial["content"]) == (receipt["message_id"], text_of(events))


def test_waiting_for_the_whole_new_answer(
    client: RiverrunClient, http: httpx2.Client, conversation_id: str, key: str
) -> None:
    read_all(client, client.ask(conversation_id, QUESTION, key))
    response = http.post(f"/api/v1/conversations/{conversation_id}/regenerate?stream=false")
    assert response.status_code == 200
    assert response.json()["message"] == messages(http, conversation_id)[-1]["content"]
