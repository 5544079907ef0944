"""Answering again: the old answer is shown until the new one is whole, and is never lost."""

import asyncio
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine, text
from tests.support.asking import answer, ask, contents, messages, regenerate, says, says_and_fails
from tests.support.live_api import events_of
from tests.support.waiting import wait_until

from riverrun.conversations.agent_tasks import write_answer
from riverrun.conversations.models import Message
from riverrun.infra.worker_resources import WorkerResources
from riverrun.runs import statements
from riverrun.runs.attempt import Attempt


@pytest.fixture
async def answered(client: httpx2.AsyncClient, conversation: str, worker: WorkerResources) -> str:
    """The conversation with a question and its answer, ``old``."""
    await answer(worker, (await ask(client, conversation)).json()["run_id"], says("o", "ld"))
    return conversation


async def test_the_new_answer_is_shown_and_the_old_one_stays_beside_it(
    client: httpx2.AsyncClient, answered: str, worker: WorkerResources
) -> None:
    question, old = await messages(client, answered)
    begun = (await regenerate(client, answered)).json()
    assert begun["message_id"] == question["id"]
    assert await contents(client, answered) == ["Why?", "old"]
    await answer(worker, begun["run_id"], says("new"))

    shown = await messages(client, answered)
    assert [message["content"] for message in shown] == ["Why?", "new"]
    new = shown[1]
    assert (new["run_id"], new["turn"], new["siblings"]) == (begun["run_id"], 1, [old["id"], new["id"]])
    everything = await messages(client, answered, siblings=True)
    assert [(message["content"], message["status"]) for message in everything] == [
        ("Why?", "ACTIVE"),
        ("old", "ARCHIVED"),
        ("new", "ACTIVE"),
    ]
    assert (await client.get(f"{answered}/info")).json()["total_messages"] == 2
    hidden = (await client.get(f"{answered}/messages/{old['id']}")).json()
    assert (hidden["content"], hidden["status"], hidden["siblings"]) == ("old", "ARCHIVED", new["siblings"])


async def test_a_message_is_found_in_its_own_conversation_alone(
    client: httpx2.AsyncClient, answered: str, project_id: UUID
) -> None:
    begun = await client.post("/api/v1/conversations", json={"project_ids": [str(project_id)]})
    other = f"/api/v1/conversations/{begun.json()['conversation_id']}"
    [question, _] = await messages(client, answered)
    assert (await client.get(f"{other}/messages/{question['id']}")).status_code == 404
    assert (await client.get(f"{answered}/messages/{question['id']}")).json()["siblings"] == []


@pytest.mark.parametrize(
    ("work", "leaves"),
    [(says_and_fails("half"), ["half"]), (says_and_fails(), []), (says(), [])],
    ids=["fails in mid answer", "fails before its first word", "says nothing"],
)
async def test_an_answer_that_came_to_nothing_leaves_the_old_one_shown(
    client: httpx2.AsyncClient, answered: str, worker: WorkerResources, work: object, leaves: list[str]
) -> None:
    await answer(worker, (await regenerate(client, answered)).json()["run_id"], work)
    assert await contents(client, answered) == ["Why?", "old"]
    assert await contents(client, answered, siblings=True) == ["Why?", "old", *leaves]


async def test_a_stopped_answer_lies_beside_the_old_one(
    client: httpx2.AsyncClient, answered: str, worker: WorkerResources, engine: Engine
) -> None:
    begun = (await regenerate(client, answered)).json()

    def stopped_in_the_middle(attempt: Attempt) -> None:
        attempt.emit("text", text="ne")
        with engine.begin() as connection:
            connection.execute(statements.request_stop(UUID(begun["run_id"])))
        wait_until(lambda: attempt.is_stop_requested)
        attempt.check()

    await answer(worker, begun["run_id"], stopped_in_the_middle)
    receipt = (await client.post(f"{answered}/stop")).json()
    assert (receipt["status"], receipt["saved_partial"], receipt["chars"]) == ("cancelled", True, 2)
    assert await contents(client, answered) == ["Why?", "old"]
    *_, partial = await messages(client, answered, siblings=True)
    assert (partial["id"], partial["content"], partial["reason"]) == (
        receipt["message_id"],
        "ne",
        "cancelled",
    )


async def test_where_nothing_was_shown_even_half_an_answer_is(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources
) -> None:
    await answer(worker, (await ask(client, conversation)).json()["run_id"], says_and_fails())
    await answer(worker, (await regenerate(client, conversation)).json()["run_id"], says_and_fails("half"))
    assert await contents(client, conversation) == ["Why?", "half"]
    await answer(worker, (await regenerate(client, conversation)).json()["run_id"], says("whole"))
    assert await contents(client, conversation) == ["Why?", "whole"]


async def test_the_model_is_told_the_turns_before_and_not_the_old_answer(
    client: httpx2.AsyncClient, answered: str, worker: WorkerResources, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, list[str]]] = []

    async def listen(question: str, history: list[object], *_: object, **__: object) -> None:
        told.append((question, [turn.text for turn in history]))

    monkeypatch.setattr("riverrun.conversations.agent_tasks.answer_question", listen)
    second = (await ask(client, answered, "And now?")).json()["run_id"]
    await answer(worker, second, says("because"))
    again = (await regenerate(client, answered)).json()["run_id"]
    await answer(worker, again, lambda attempt: write_answer(worker, attempt))
    assert told == [("And now?", ["Why?", "old"])]


async def test_the_stream_of_a_regeneration_is_an_answers_stream(
    client: httpx2.AsyncClient, answered: str, worker: WorkerResources
) -> None:
    async with client.stream("POST", f"{answered}/regenerate") as response:
        answering = asyncio.create_task(answer(worker, response.headers["x-run-id"], says("new")))
        events = events_of((await response.aread()).decode())
    await answering
    assert [kind for _, kind, _ in events] == ["queued", "started", "text", "end"]


async def test_the_same_key_is_the_same_regeneration(client: httpx2.AsyncClient, answered: str) -> None:
    responses = await asyncio.gather(
        *(regenerate(client, answered, **{"idempotency-key": "once"}) for _ in range(20))
    )
    assert {response.status_code for response in responses} == {202}
    assert len({response.text for response in responses}) == 1


async def test_without_a_question_there_is_nothing_to_answer_again(
    client: httpx2.AsyncClient, conversation: str
) -> None:
    response = await regenerate(client, conversation)
    assert response.status_code == 409
    assert response.json()["title"] == "There is no question yet"
    assert response.json()["detail"]


async def test_a_busy_conversation_refuses_to_answer_again(
    client: httpx2.AsyncClient, conversation: str
) -> None:
    first = (await ask(client, conversation)).json()
    response = await regenerate(client, conversation)
    assert (response.status_code, response.json()["run_id"]) == (409, first["run_id"])


async def test_the_database_itself_refuses_a_second_shown_answer(
    client: httpx2.AsyncClient, answered: str, engine: Engine
) -> None:
    with engine.begin() as connection:
        double = (
            "INSERT INTO messages (id, conversation_id, type, status, turn, content, citations, tool_calls, created_at) "
            "SELECT gen_random_uuid(), conversation_id, type, status, turn, content, citations, tool_calls, created_at "
            "FROM messages WHERE type = 'AI_GENERATED' ON CONFLICT DO NOTHING"
        )
        assert connection.execute(text(double)).rowcount == 0
        assert len(connection.execute(Message.__table__.select()).all()) == 2
