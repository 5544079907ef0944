"""Rates on the wire: who asks too often is told when to come back, and nobody else suffers for it."""

from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine
from tests.support.accounts import bearer_token_of_a_stranger
from tests.support.asking import ask
from tests.support.live_api import client_of

from riverrun.auth.api_keys import ApiKey, api_key_hash, hint_of, new_api_key
from riverrun.infra.settings import Settings


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(
        update={"posts_per_minute": 2, "streams_per_minute": 2, "invitations_per_hour": 2, "sign_up": "open"}
    )


async def test_the_question_after_the_last_permit_is_refused_with_the_time_of_the_next(
    client: httpx2.AsyncClient, conversation: str
) -> None:
    answers = [await ask(client, conversation, if_busy="enqueue") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    refused = answers[-1]
    assert refused.json()["type"] == "/problems/too-many-requests"
    assert 1 <= int(refused.headers["retry-after"]) <= 30


async def test_another_kind_of_question_and_another_door_count_on_the_same_account(
    client: httpx2.AsyncClient, conversation: str, project_id: UUID, engine: Engine, user_id: UUID
) -> None:
    key = new_api_key()
    row = {"user_id": user_id, "name": "k", "key_hash": api_key_hash(key), "hint": hint_of(key)}
    with engine.begin() as connection:
        connection.execute(ApiKey.__table__.insert().values(**row, scopes=["read", "write"]))
    for _ in range(2):
        assert (await ask(client, conversation, if_busy="enqueue")).status_code == 202
    assert (await client.post(f"{conversation}/regenerate")).status_code == 429
    by_key = await client.post(
        f"/api/v2/project/{project_id}/message", json={"content": "Why?"}, headers={"x-api-key": key}
    )
    assert by_key.status_code == 429


async def test_looking_is_not_asking_and_others_are_not_held_up(
    client: httpx2.AsyncClient, conversation: str, base_url: str, database_url: str
) -> None:
    for _ in range(3):
        await ask(client, conversation, if_busy="enqueue")
    assert (await client.get(f"{conversation}/messages")).status_code == 200
    async with client_of(base_url, bearer_token_of_a_stranger(database_url)) as other:
        assert (await ask(other, conversation)).status_code == 404


async def test_indexings_and_copies_are_counted_as_questions_are(
    client: httpx2.AsyncClient, conversation: str
) -> None:
    source = {"repo_name": "https://git.example/none/such"}
    assert (await client.post("/api/v1/parse", json=source)).status_code == 202
    assert (await client.post(f"{conversation}/copy")).status_code == 201
    assert (await client.post("/api/v1/parse", json=source)).status_code == 429
    assert (await client.post(f"{conversation}/copy")).status_code == 429


async def test_nobody_has_the_server_write_to_everybody(client: httpx2.AsyncClient) -> None:
    made = await client.post("/api/v1/organisations", json={"name": "a list of addresses"})
    members = f"/api/v1/organisations/{made.json()['id']}/members"
    invited = [
        await client.post(members, json={"email": f"somebody{number}@example.org"}) for number in range(3)
    ]
    assert [answer.status_code for answer in invited] == [201, 201, 429]


async def test_streams_are_counted_as_they_are_opened(client: httpx2.AsyncClient, conversation: str) -> None:
    run_id = (await ask(client, conversation)).json()["run_id"]
    await client.post(f"/api/v1/runs/{run_id}/stop")
    paths = [f"/api/v1/runs/{run_id}/events", f"/api/v1/runs/events?run={run_id}"]
    answers = [await client.get(path) for path in [*paths, *paths]]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    resumed = await client.post(f"{conversation}/resume/{run_id}")
    assert resumed.status_code == 429
