"""Search over HTTP: the owner finds code, a stranger learns nothing, any question is legal."""

from pathlib import Path
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from tests.support.accounts import bearer_token_of_a_stranger
from tests.support.live_api import client_of

from riverrun.infra.settings import Settings
from riverrun.kit.ids import new_uuid
from riverrun.parsing.indexer import index_project
from riverrun.parsing.models import Project

SOURCE = '''def total_price(items):
    """Sum up the prices of a cart."""
    return sum(items)
'''


@pytest.fixture
def project_id(engine: Engine, user_id: UUID, settings: Settings, tmp_path: Path) -> UUID:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "cart.py").write_text(SOURCE)
    with Session(engine) as session:
        project = Project(user_id=user_id, repo_name="shop", source=str(tmp_path / "shop"))
        session.add(project)
        session.commit()
        project_id = project.id
    index_project(engine, project_id, settings, progress=lambda *_: None, should_stop=lambda: False)
    return project_id


async def search(client: httpx2.AsyncClient, project_id: UUID, query: str) -> httpx2.Response:
    return await client.post("/api/v1/search", json={"project_id": str(project_id), "query": query})


async def test_the_owner_finds_a_definition(client: httpx2.AsyncClient, project_id: UUID) -> None:
    answer = await search(client, project_id, "how are prices added up?")
    assert answer.status_code == 200
    [found] = answer.json()["results"]
    assert found.pop("relevance") > 0
    assert found == {
        "name": "total_price",
        "kind": "function",
        "file_path": "cart.py",
        "start_line": 1,
        "end_line": 3,
        "signature": "def total_price(items)",
        "docstring": "Sum up the prices of a cart.",
    }


@pytest.mark.parametrize("query", ["", "?", "'; DROP TABLE chunks --", "\x00", "cart " * 20_000])
async def test_any_question_is_answered(client: httpx2.AsyncClient, project_id: UUID, query: str) -> None:
    answer = await search(client, project_id, query)
    assert answer.status_code == 200
    assert [found["name"] for found in answer.json()["results"]] == (
        ["total_price"] if "cart" in query else []
    )


async def test_a_stranger_and_an_unknown_project_get_the_same_answer(
    client: httpx2.AsyncClient, base_url: str, settings: Settings, project_id: UUID
) -> None:
    unknown = await search(client, new_uuid(), "cart")
    async with client_of(base_url, bearer_token_of_a_stranger(settings.database_url)) as stranger:
        foreign = await search(stranger, project_id, "cart")
    assert unknown.status_code == foreign.status_code == 404
    assert unknown.content == foreign.content


async def test_nobody_searches_without_a_token(base_url: str, project_id: UUID) -> None:
    async with client_of(base_url) as nobody:
        assert (await search(nobody, project_id, "cart")).status_code == 401
