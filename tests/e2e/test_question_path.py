"""The path of a question, each station real."""

import httpx2
import pytest
from tests.support.reading import ask, assert_whole, read_all, text_of

from riverrun.cli.client import RiverrunClient
from riverrun.cli.event_fold import RunEvent, sha256_of
from riverrun.cli.sse_reader import SseReader

QUESTION = "How does the websocket endpoint decide which way to decode incoming messages?"


def messages(http: httpx2.Client, conversation_id: str) -> list[dict[str, object]]:
    answer = http.get(f"/api/v1/conversations/{conversation_id}/messages", params={"limit": 50})
    assert answer.status_code == 200
    return answer.json()


def test_a_question_is_answered_in_a_whole_log_and_stored_as_it_was_streamed(
    client: RiverrunClient, http: httpx2.Client, conversation_id: str, key: str
) -> None:
    run_id = client.ask(conversation_id, QUESTION, key)
    events = read_all(client, run_id)
    assert_whole(events)
    assert events[-1].data["status"] == "completed"
    question, answer = messages(http, conversation_id)
    assert (question["type"], question["content"]) == ("HUMAN", QUESTION)
    assert (answer["type"], answer["content"], answer["run_id"]) == ("AI_GENERATED", text_of(events), run_id)
    assert client.run(run_id)["status"] == "completed"


def test_the_answer_used_tools_and_cites_lines_that_exist(client: RiverrunClient, project_id: str) -> None:
    events = read_all(client, ask(client, project_id, QUESTION))
    types = {event.type for event in events}
    assert {"tool_call", "tool_result", "text", "citation"} <= types
    for citation in (event.data for event in events if event.type == "citation"):
        lines = client.file_lines(project_id, citation["path"], citation["start_line"], citation["end_line"])
        assert lines["blob"] == citation["blob"]
        assert (lines["start_line"], lines["end_line"]) == (citation["start_line"], citation["end_line"])
        assert f"[{citation['path']}:" in text_of(events)


def test_the_question_is_stored_before_anybody_answers(
    client: RiverrunClient, http: httpx2.Client, conversation_id: str, key: str
) -> None:
    run_id = client.ask(conversation_id, QUESTION, key)
    assert messages(http, conversation_id)[0]["content"] == QUESTION
    read_all(client, run_id)


def test_posting_streams_the_answer_itself_and_names_the_run_in_its_head(
    client: RiverrunClient, http: httpx2.Client, conversation_id: str
) -> None:
    reader = SseReader()
    path = f"/api/v1/conversations/{conversation_id}/message"
    with http.stream("POST", path, json={"content": QUESTION}) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-session-id"]
        run_id = answer.headers["x-run-id"]
        frames = [frame for data in answer.iter_bytes() for frame in reader.feed(data)]
    recorded = read_all(client, run_id)
    assert [(frame.id, frame.event) for frame in frames] == [
        (event.position, event.type) for event in recorded
    ]
    assert_whole(recorded)


def test_posting_without_a_stream_waits_for_the_whole_answer(
    client: RiverrunClient, http: httpx2.Client, conversation_id: str
) -> None:
    path = f"/api/v1/conversations/{conversation_id}/message"
    answer = http.post(path, params={"stream": "false"}, json={"content": QUESTION})
    assert answer.status_code == 200
    run_id = answer.json()["run_id"]
    assert sha256_of(answer.json()["message"]) == read_all(client, run_id)[-1].data["text_sha256"]
    assert answer.json()["citations"]


def test_a_follow_up_goes_into_the_same_conversation(
    client: RiverrunClient, http: httpx2.Client, conversation_id: str
) -> None:
    for number, question in enumerate((QUESTION, "And who calls it?")):
        read_all(client, client.ask(conversation_id, question, f"{conversation_id}-{number}"))
    kinds = [message["type"] for message in messages(http, conversation_id)]
    assert kinds == ["HUMAN", "AI_GENERATED"] * 2


def test_nothing_found_is_said_in_the_answer(client: RiverrunClient, project_id: str) -> None:
    events = read_all(client, ask(client, project_id, "zxqv wqpfgh kkrtzz?"))
    assert events[-1].data["status"] == "completed"
    assert not any(event.type == "citation" for event in events)
    assert "nothing" in text_of(events).lower()


@pytest.mark.parametrize(
    "question", ["'; DROP TABLE runs; --", "%_\\ [a-z]* (?)", "что это? 🦊 \u202e", "a\u0000b"]
)
def test_odd_questions_get_an_answer_or_a_refusal_never_a_failure(
    http: httpx2.Client, client: RiverrunClient, conversation_id: str, question: str
) -> None:
    path = f"/api/v1/conversations/{conversation_id}/message"
    answer = http.post(path, params={"background": "true"}, json={"content": question})
    assert answer.status_code in (202, 422), answer.text
    if answer.status_code == 202:
        end: RunEvent = read_all(client, answer.json()["run_id"])[-1]
        assert end.data["status"] == "completed"
