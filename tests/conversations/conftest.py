"""The application behind real sockets, a signed-in client, and a conversation about an empty project."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine
from tests.support.live_api import client_of, serving

from riverrun.auth.sign_in import issue_bearer_token
from riverrun.infra.settings import Settings
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.parsing.models import Project


@pytest.fixture
async def base_url(settings: Settings) -> AsyncIterator[str]:
    async with serving(settings) as url:
        yield url


@pytest.fixture
async def client(base_url: str, engine: Engine, user_id: UUID) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(base_url, issue_bearer_token(engine, user_id, "test")) as client:
        yield client


@pytest.fixture
def project_id(engine: Engine, user_id: UUID) -> UUID:
    """A project whose index is complete and empty."""
    project_id = new_uuid()
    values = {
        "id": project_id,
        "user_id": user_id,
        "repo_name": "empty",
        "source": "/nowhere",
        "status": "ready",
    }
    with engine.begin() as connection:
        connection.execute(
            Project.__table__.insert().values(
                **values, branch_name="", files=0, symbols=0, created_at=now(), indexed_at=now()
            )
        )
    return project_id


@pytest.fixture
async def conversation(client: httpx2.AsyncClient, project_id: UUID) -> str:
    response = await client.post("/api/v1/conversations", json={"project_ids": [str(project_id)]})
    assert response.status_code == 201
    return f"/api/v1/conversations/{response.json()['conversation_id']}"
