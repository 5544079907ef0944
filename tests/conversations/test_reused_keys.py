"""An Idempotency-Key that was used for something else: nothing is dropped without a word."""

import asyncio
import threading
from uuid import UUID

import httpx2
from sqlalchemy import Engine, func, select
from tests.support.asking import answer, ask, regenerate
from tests.support.live_api import client_of
from tests.support.run_reading import row_of
from tests.support.waiting import wait_until_async

from riverrun.infra.worker_resources import WorkerResources
from riverrun.runs.attempt import Attempt
from riverrun.runs.models import Run

KEY = {"idempotency-key": "once"}


def was_refused(response: httpx2.Response) -> bool:
    return (response.status_code, response.json().get("type")) == (422, "/problems/idempotency-key-reused")


def count_of_runs(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(Run)) or 0


async def test_a_key_is_good_for_one_question(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources, engine: Engine
) -> None:
    first = await ask(client, conversation, " Why? ", **KEY)
    assert was_refused(await ask(client, conversation, "How?", **KEY))
    assert was_refused(await regenerate(client, conversation, **KEY))
    await answer(worker, first.json()["run_id"])
    assert was_refused(await ask(client, conversation, "How?", **KEY))
    repeated = await ask(client, conversation, "Why?", **KEY)
    assert (repeated.status_code, repeated.text) == (202, first.text)
    assert count_of_runs(engine) == 1


async def test_a_regenerations_key_is_no_questions(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources, engine: Engine
) -> None:
    await answer(worker, (await ask(client, conversation, "Why?")).json()["run_id"])
    again = await regenerate(client, conversation, **KEY)
    assert was_refused(await ask(client, conversation, "Why?", **KEY))
    await answer(worker, again.json()["run_id"])
    await ask(client, conversation, "How?")
    assert (await regenerate(client, conversation, **KEY)).text == again.text
    assert count_of_runs(engine) == 3


async def test_a_projects_key_revives_no_answer_whose_conversation_was_deleted(
    client: httpx2.AsyncClient,
    base_url: str,
    project_id: UUID,
    worker: WorkerResources,
    engine: Engine,
) -> None:
    made = (await client.post("/api/v1/api-keys", json={"name": "program"})).json()
    path = f"/api/v2/project/{project_id}/message?background=true"
    headers = {"x-api-key": made["key"], **KEY}

    async with client_of(base_url) as program:
        first = await program.post(path, json={"content": "Why?"}, headers=headers)
        conversation = first.headers["x-conversation-id"]
        deleted_meanwhile = threading.Event()

        def work(attempt: Attempt) -> None:
            attempt.emit("text", text="half")
            assert deleted_meanwhile.wait(20)
            attempt.check()

        answering = asyncio.create_task(answer(worker, first.json()["run_id"], work))
        await wait_until_async(lambda: row_of(engine, UUID(first.json()["run_id"])).started_at)
        assert (await client.delete(f"/api/v1/conversations/{conversation}")).status_code == 204
        refused = await program.post(path, json={"content": "Why?"}, headers=headers)
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/subject-busy")
        assert refused.json()["run_id"] == first.json()["run_id"]
        assert (await client.get(f"/api/v1/conversations/{conversation}/info")).status_code == 404
        deleted_meanwhile.set()
        await answering
        again = await program.post(path, json={"content": "Why?"}, headers=headers)

    assert (again.status_code, again.headers["x-conversation-id"]) == (202, conversation)
    assert again.json()["run_id"] != first.json()["run_id"]
    assert again.json()["message_id"] is not None
    assert count_of_runs(engine) == 1


async def test_a_projects_question_has_its_key_for_itself(
    client: httpx2.AsyncClient, base_url: str, project_id: UUID, engine: Engine
) -> None:
    made = (await client.post("/api/v1/api-keys", json={"name": "program"})).json()

    async def post(program: httpx2.AsyncClient, content: str) -> httpx2.Response:
        path = f"/api/v2/project/{project_id}/message?background=true"
        return await program.post(path, json={"content": content}, headers={"x-api-key": made["key"], **KEY})

    async with client_of(base_url) as program:
        first = await post(program, "Why?")
        assert was_refused(await post(program, "How?"))
        assert (await post(program, "Why?")).text == first.text
    assert count_of_runs(engine) == 1
