"""API keys: shown once, stored as hashes, known by name, gone when revoked."""

import asyncio
import re
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine, select, text
from tests.support.live_api import client_of
from tests.support.stories import make_user

from riverrun.auth.api_key_service import MOST_KEYS
from riverrun.auth.api_keys import ApiKey, api_key_hash, is_api_key
from riverrun.auth.sign_in import issue_bearer_token
from riverrun.kit.ids import new_uuid

KEYS = "/api/v1/api-keys"


async def make(client: httpx2.AsyncClient, name: str) -> dict[str, str]:
    response = await client.post(KEYS, json={"name": name})
    assert response.status_code == 201, response.text
    return dict(response.json())


async def look_with(client: httpx2.AsyncClient, key: str) -> int:
    headers = {"x-api-key": key}
    return (await client.get("/api/v2/projects/list", headers=headers)).status_code


async def test_a_key_is_shown_once_and_never_again(client: httpx2.AsyncClient, engine: Engine) -> None:
    made = await make(client, "  robot ")
    assert re.fullmatch("sk-[0-9a-f]{64}", made["key"])
    assert is_api_key(made["key"])
    [listed] = (await client.get(KEYS)).json()
    assert listed == {name: value for name, value in made.items() if name != "key"}
    assert (listed["name"], listed["scopes"]) == ("robot", ["read", "write"])
    assert made["key"].startswith(listed["hint"])
    assert len(listed["hint"]) < 12
    with engine.connect() as connection:
        [row] = connection.execute(select(ApiKey.__table__)).all()
    assert row.key_hash == api_key_hash(made["key"])
    assert made["key"] not in str(row)


async def test_a_revoked_key_is_refused_at_once_and_others_are_not(client: httpx2.AsyncClient) -> None:
    first, second = await make(client, "first"), await make(client, "second")
    assert await look_with(client, first["key"]) == 200
    assert (await client.delete(f"{KEYS}/{first['id']}")).status_code == 204
    assert await look_with(client, first["key"]) == 401
    assert await look_with(client, second["key"]) == 200
    assert (await client.delete(f"{KEYS}/{first['id']}")).status_code == 204
    assert [key["name"] for key in (await client.get(KEYS)).json()] == ["second"]


async def test_the_last_use_is_noted_to_the_minute(client: httpx2.AsyncClient, engine: Engine) -> None:
    made = await make(client, "robot")
    assert (await client.get(KEYS)).json()[0]["last_used_at"] is None
    statuses = await asyncio.gather(*(look_with(client, made["key"]) for _ in range(20)))
    assert set(statuses) == {200}
    noted = (await client.get(KEYS)).json()[0]["last_used_at"]
    assert noted is not None
    await look_with(client, made["key"])
    assert (await client.get(KEYS)).json()[0]["last_used_at"] == noted
    with engine.begin() as connection:
        connection.execute(text("UPDATE api_keys SET last_used_at = now() - interval '2 minutes'"))
    await look_with(client, made["key"])
    assert (await client.get(KEYS)).json()[0]["last_used_at"] > noted


async def test_another_users_key_is_an_unknown_one(
    client: httpx2.AsyncClient, base_url: str, engine: Engine
) -> None:
    made = await make(client, "mine")
    token = issue_bearer_token(engine, make_user(engine, "stranger@example.org"), "test")
    async with client_of(base_url, token) as stranger:
        foreign = await stranger.delete(f"{KEYS}/{made['id']}")
        unknown = await stranger.delete(f"{KEYS}/{new_uuid()}")
        assert foreign.status_code == unknown.status_code == 404
        assert foreign.content == unknown.content
        assert (await stranger.get(KEYS)).json() == []
    assert await look_with(client, made["key"]) == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": " "},
        {"name": "x" * 101},
        {"name": "nul \x00"},
        {"name": "robot", "scopes": []},
        {"name": "robot", "scopes": ["admin"]},
    ],
)
async def test_a_key_without_name_or_sense_is_refused(
    client: httpx2.AsyncClient, body: dict[str, object]
) -> None:
    assert (await client.post(KEYS, json=body)).status_code == 422


async def test_there_may_be_a_hundred_however_many_are_made_at_once(
    client: httpx2.AsyncClient, engine: Engine, user_id: UUID
) -> None:
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO api_keys (id, user_id, name, key_hash, hint, scopes, created_at) SELECT "
                "gen_random_uuid(), :user_id, 'one', number::text, 'sk-', '{read}', now() "
                "FROM generate_series(1, :most) AS number"
            ),
            {"user_id": user_id, "most": MOST_KEYS - 1},
        )
    answers = await asyncio.gather(*(client.post(KEYS, json={"name": "one more"}) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert {answer.json().get("type") for answer in answers} == {None, "/problems/too-many-api-keys"}
    assert len((await client.get(KEYS)).json()) == MOST_KEYS


async def test_a_key_makes_no_keys(client: httpx2.AsyncClient, base_url: str) -> None:
    made = await make(client, "robot")
    async with httpx2.AsyncClient(base_url=base_url, headers={"x-api-key": made["key"]}) as program:
        assert (await program.post(KEYS, json={"name": "another"})).status_code == 401
        assert (await program.get("/api/v2/api-keys")).status_code == 404
