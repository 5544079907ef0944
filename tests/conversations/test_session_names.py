"""Names of runs, and coming back under them."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine, select, update
from tests.conversations.test_session_service import ask, perform
from tests.support.live_api import events_of

from riverrun.conversations.session_names import SessionName
from riverrun.infra.redis_clients import SyncRedis
from riverrun.infra.worker_resources import WorkerResources
from riverrun.kit.ids import new_uuid


def names(engine: Engine) -> Sequence[str]:
    with engine.connect() as connection:
        return connection.scalars(select(SessionName.session_id).order_by(SessionName.run_id)).all()


async def test_of_many_that_want_a_name_one_gets_it_and_the_others_get_numbers(
    client: httpx2.AsyncClient, conversation: str, engine: Engine
) -> None:
    async def ask_with_name() -> httpx2.Response:
        query = {"background": "true", "if_busy": "enqueue", "session_id": "chat"}
        return await client.post(f"{conversation}/message", params=query, json={"content": "Why?"})

    responses = await asyncio.gather(*(ask_with_name() for _ in range(8)))
    given = [response.json()["session_id"] for response in responses]
    assert sorted(given) == ["chat", *(f"chat-{number}" for number in range(1, 8))]
    assert [response.headers["x-session-id"] for response in responses] == given
    assert sorted(names(engine)) == sorted(given)


async def test_a_number_that_was_chosen_by_hand_is_left_out(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources
) -> None:
    for wanted, given in (("a-1", "a-1"), ("a", "a"), ("a", "a-2"), ("a-1", "a-1-1")):
        asked = await ask(client, conversation, session_id=wanted)
        assert asked["session_id"] == given
        await perform(worker, asked["run_id"], "Because.")


async def test_a_name_counts_within_its_conversation(
    client: httpx2.AsyncClient, conversation: str, project_id: UUID
) -> None:
    begun = await client.post("/api/v1/conversations", json={"project_ids": [str(project_id)]})
    other = f"/api/v1/conversations/{begun.json()['conversation_id']}"
    for path in (conversation, other):
        assert (await ask(client, path, session_id="chat"))["session_id"] == "chat"


async def test_a_repeated_post_is_told_the_same_name(
    client: httpx2.AsyncClient, conversation: str, engine: Engine
) -> None:
    async def post() -> str:
        response = await client.post(
            f"{conversation}/message",
            params={"background": "true", "session_id": "chat"},
            json={"content": "Why?"},
            headers={"idempotency-key": "once"},
        )
        return str(response.json()["session_id"])

    assert set(await asyncio.gather(*(post() for _ in range(10)))) == {"chat"}
    assert names(engine) == ["chat"]


async def test_without_a_wish_a_run_goes_by_its_id(client: httpx2.AsyncClient, conversation: str) -> None:
    asked = await ask(client, conversation)
    assert asked["session_id"] == asked["run_id"]


@pytest.mark.parametrize("name", ["", "two words", "a/b", "é", "x" * 201, "tab\t", ".", ".."])
async def test_a_name_that_fits_no_header_and_no_path_is_refused(
    client: httpx2.AsyncClient, conversation: str, name: str
) -> None:
    response = await client.post(
        f"{conversation}/message", params={"session_id": name}, json={"content": "Why?"}
    )
    assert response.status_code == 422


async def test_a_client_resumes_under_the_name_or_the_id_after_any_event(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources, sync_redis: SyncRedis
) -> None:
    asked = await ask(client, conversation, session_id="user:1:new")
    await perform(worker, asked["run_id"], "It ", "is ", "so.")
    golden = events_of((await client.get(f"/api/v1/runs/{asked['run_id']}/events")).text)
    assert len(golden) == 6
    for name in ("user:1:new", asked["run_id"]):
        resumed = await client.post(f"{conversation}/resume/{name}")
        assert resumed.headers["x-run-id"] == asked["run_id"]
        assert resumed.headers["x-session-id"] == name
        assert events_of(resumed.text) == golden
        for index, (position, _, _) in enumerate(golden[:-1]):
            rest = await client.post(f"{conversation}/resume/{name}", params={"cursor": position})
            assert events_of(rest.text) == golden[index + 1 :]
        assert (await client.post(f"{conversation}/resume/{name}?cursor=6")).status_code == 204
        sync_redis.flushall()


async def test_what_cannot_be_resumed_is_not_found(client: httpx2.AsyncClient, conversation: str) -> None:
    await ask(client, conversation, session_id="chat")
    for name in ("chat-1", "Chat", str(new_uuid()), "%00", "x" * 250):
        response = await client.post(f"{conversation}/resume/{name}")
        assert response.status_code in (404, 422), name
    assert (await client.post(f"{conversation}/resume/chat?cursor=x")).status_code == 400


@pytest.mark.parametrize("spelling", ["{}", "{{{}}}", "urn:uuid:{}"])
async def test_nobody_goes_by_another_runs_id(
    client: httpx2.AsyncClient, conversation: str, engine: Engine, spelling: str
) -> None:
    async def named(wanted: str) -> str:
        return str((await ask(client, conversation, session_id=wanted, if_busy="enqueue"))["session_id"])

    another = spelling.format((await ask(client, conversation))["run_id"])
    assert [await named(another) for _ in range(3)] == [f"{another}-{number}" for number in (1, 2, 3)]
    nobodys = spelling.format(new_uuid())
    assert [await named(nobodys) for _ in range(2)] == [nobodys, f"{nobodys}-1"]


async def test_a_repeated_post_may_wish_for_the_runs_own_id(
    client: httpx2.AsyncClient, conversation: str
) -> None:
    async def post(**wish: str) -> dict[str, str]:
        response = await client.post(
            f"{conversation}/message",
            params={"background": "true", **wish},
            json={"content": "Why?"},
            headers={"idempotency-key": "once"},
        )
        assert response.status_code == 202
        return dict(response.json())

    asked = await post()
    assert await post(session_id=asked["run_id"]) == asked


async def test_a_runs_id_leads_to_it_whatever_others_are_called(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources, engine: Engine
) -> None:
    first = (await ask(client, conversation))["run_id"]
    await perform(worker, first, "Because.")
    second = (await ask(client, conversation, session_id="chat"))["run_id"]
    with engine.begin() as connection:
        connection.execute(update(SessionName).values(session_id=first))
    await perform(worker, second, "Because.")
    resumed = await client.post(f"{conversation}/resume/{first}")
    assert resumed.headers["x-run-id"] == first
