"""Questions that make way for others, by several ways in at once: nobody waits for somebody who waits for them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine
from tests.support.asking import ask
from tests.support.usage_ledger import assert_balanced

AT_ONCE = 4
ROUNDS = 5


@pytest.fixture
async def program(client: httpx2.AsyncClient, base_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """The same user, by an API key that is on counters of its own."""
    made = (await client.post("/api/v1/api-keys", json={"name": "program"})).json()
    async with httpx2.AsyncClient(
        base_url=base_url, headers={"x-api-key": made["key"]}, timeout=30
    ) as program:
        yield program


async def begin(client: httpx2.AsyncClient, project_id: UUID) -> str:
    new = {"project_ids": [str(project_id)]}
    conversation_id: str = (await client.post("/api/v1/conversations", json=new)).json()["conversation_id"]
    return conversation_id


async def post(program: httpx2.AsyncClient, conversation_id: str, **params: Any) -> int:
    path = f"/api/v2/conversations/{conversation_id}/message"
    response = await program.post(path, params={"background": "true", **params}, json={"content": "Why?"})
    return response.status_code


@pytest.mark.parametrize("deed", ["interrupt", "rollback", "delete"])
async def test_ways_in_never_wait_for_each_other_in_a_circle(
    client: httpx2.AsyncClient, program: httpx2.AsyncClient, project_id: UUID, engine: Engine, deed: str
) -> None:
    async def make_way(conversation_id: str) -> int:
        if deed == "delete":
            return (await client.delete(f"/api/v1/conversations/{conversation_id}")).status_code
        return await post(program, conversation_id, if_busy=deed)

    for _ in range(ROUNDS):
        busy = [await begin(client, project_id) for _ in range(AT_ONCE)]
        calm = [await begin(client, project_id) for _ in range(AT_ONCE)]
        for conversation_id in busy:
            assert (await ask(client, f"/api/v1/conversations/{conversation_id}")).status_code == 202
            if deed == "delete":
                assert await post(program, conversation_id, if_busy="enqueue") == 202
        found = await asyncio.gather(
            *(make_way(conversation_id) for conversation_id in busy),
            *(post(program, conversation_id) for conversation_id in calm),
        )
        assert set(found) <= {202, 204}, found
    assert_balanced(engine)
