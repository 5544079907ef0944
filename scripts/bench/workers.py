"""Workers that answer what is asked of any arm, and something that can be asked about."""

import contextlib
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

import riverrun
from bench.site import Site
from bench.spares import SPARES
from riverrun.cli.stack import child_environment, spawn
from riverrun.infra.redis_clients import open_redis
from riverrun.infra.settings import Settings
from riverrun.infra.worker_readiness import ready_key
from riverrun.kit.ids import new_uuid
from riverrun.parsing.indexer import index_project
from riverrun.parsing.models import Project

CHATS = "chats"
AT_ONCE = 8
READY_SECONDS = 60.0
POLL_SECONDS = 0.05
SMALL = Path(__file__).parent / "small_repository"
PACKAGE = Path(riverrun.__file__).parent / "streaming"
"""Some forty modules to search in."""


def open_workers(
    settings: Settings, *, at_once: int = AT_ONCE, pause_ms: float = 0.0
) -> AbstractContextManager[None]:
    """As ``run_workers``, or those that are there already."""
    return SPARES.lent("workers", partial(run_workers, settings, at_once, pause_ms))


@contextlib.contextmanager
def run_workers(settings: Settings, at_once: int, pause_ms: float) -> Iterator[None]:
    """A worker process for so many answers at once, whose built-in model pauses before each piece.

    Raises:
        RuntimeError: it does not get ready.
    """
    paced = settings.model_copy(update={"chat_concurrency": at_once, "extractive_delay_ms": pause_ms})
    log_path = settings.data_dir / "bench-workers.log"
    with open_redis(settings.require_redis_url()) as redis:
        redis.delete(ready_key(CHATS))
        process = spawn(("worker", "--queues", CHATS), log_path, child_environment(paced, os.environ))
        try:
            deadline = time.monotonic() + READY_SECONDS
            while not redis.exists(ready_key(CHATS)):
                if process.returncode is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the worker does not get ready: {process.log_tail()}")
                time.sleep(POLL_SECONDS)
            yield
        finally:
            process.ask_to_stop()
            process.wait()


def small_project(site: Site) -> UUID:
    """One file with one function: an answer about it costs little beside what is measured."""
    return indexed_project(site, SMALL)


def indexed_project(site: Site, source: Path) -> UUID:
    """The folder's project, indexed once a site."""
    with Session(site.engine) as session, session.begin():
        known = session.scalar(select(Project.id).where(Project.source == str(source)))
        if known is not None:
            return known
        project_id = new_uuid()
        project = Project(
            id=project_id, user_id=site.user_id, repo_name=source.name, source=str(source), branch_name=""
        )
        session.add(project)
    index(site.engine, project_id, site.settings)
    return project_id


def index(engine: Engine, project_id: UUID, settings: Settings) -> None:
    """Here and now."""
    allowing = settings.model_copy(update={"allow_local_paths": True})
    index_project(engine, project_id, allowing, progress=lambda *_: None, should_stop=lambda: False)
