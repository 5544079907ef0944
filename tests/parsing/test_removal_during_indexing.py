"""A repository that is removed while its index is being completed leaves nothing behind."""

import asyncio
import threading
from pathlib import Path
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine, text, update
from tests.support.lock_waits import waiting_for_locks
from tests.support.waiting import wait_until_async

from riverrun.infra.settings import Settings
from riverrun.parsing.index_store import IndexStore
from riverrun.parsing.indexer import index_project
from riverrun.parsing.models import Project


async def test_a_removal_that_overtakes_the_end_of_an_index_takes_its_terms_along(
    client: httpx2.AsyncClient,
    engine: Engine,
    project_id: UUID,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "box.py").write_text("def area(box): return box.width\n")
    with engine.begin() as connection:
        connection.execute(update(Project).values(source=str(tmp_path), indexed_at=None, status="submitted"))
    is_almost_done, may_end = threading.Event(), threading.Event()
    complete = IndexStore.complete

    def complete_when_allowed(store: IndexStore, commit: str | None) -> None:
        is_almost_done.set()
        may_end.wait(30)
        complete(store, commit)

    monkeypatch.setattr(IndexStore, "complete", complete_when_allowed)
    indexing = asyncio.create_task(asyncio.to_thread(index, engine, project_id, settings))
    await wait_until_async(is_almost_done.is_set, 30)
    with engine.begin() as other:
        other.execute(text("SELECT id FROM projects FOR UPDATE"))
        removing = asyncio.create_task(client.delete(f"/api/v1/projects/{project_id}"))
        await wait_until_async(lambda: waiting_for_locks(engine) == 1)
        may_end.set()
        await wait_until_async(lambda: waiting_for_locks(engine) == 2)
    assert (await removing).status_code == 204
    await indexing
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM term_frequencies")) == 0


def index(engine: Engine, project_id: UUID, settings: Settings) -> None:
    index_project(engine, project_id, settings, progress=lambda *_: None, should_stop=lambda: False)
