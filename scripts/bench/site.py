"""What all arms of a benchmark share: the servers, the tables, an administrator with a token."""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine

from bench.run_rows import insert_running_runs
from riverrun.auth.sign_in import ensure_administrator, issue_bearer_token
from riverrun.embedded import EmbeddedServers
from riverrun.infra.database import open_engine
from riverrun.infra.settings import Settings
from riverrun.migrations import upgrade


@dataclass(frozen=True, slots=True)
class Site:
    """Embedded servers with migrated tables, ready for any number of API processes."""

    settings: Settings
    engine: Engine
    user_id: UUID
    token: str
    pids: dict[str, int]

    def new_runs(self, count: int) -> list[str]:
        """Ids of so many new running runs of the administrator."""
        return [str(run_id) for run_id in insert_running_runs(self.engine, self.user_id, count)]


@contextlib.contextmanager
def open_site() -> Iterator[Site]:
    """A site in a folder of its own, gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="riverrun-bench-") as folder,
        EmbeddedServers.start(Path(folder)) as servers,
    ):
        upgrade(servers.database_url)
        engine = open_engine(servers.database_url, pool_size=2)
        user_id = ensure_administrator(engine)
        settings = Settings(
            data_dir=Path(folder),
            database_url=servers.database_url,
            redis_url=servers.redis_url,
            model=None,
            posts_per_minute=0,
            streams_per_minute=0,
        )
        try:
            token = issue_bearer_token(engine, user_id, "benchmark")
            yield Site(settings, engine, user_id, token, servers.pids)
        finally:
            engine.dispose()
