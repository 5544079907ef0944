"""Servers for a proof that drives the application in its own process."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from riverrun.embedded import EmbeddedServers
from riverrun.infra.database import open_engine
from riverrun.infra.settings import Settings
from riverrun.migrations import upgrade


@contextmanager
def own_servers() -> Iterator[tuple[Settings, Engine]]:
    """Settings of a migrated, empty database and an empty Valkey, and an engine; all of it gone after the block.

    Without limits of posts and streams: they would refuse three requests of four, which then prove nothing.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedServers.start(Path(folder), durable=False) as servers,
    ):
        upgrade(servers.database_url)
        engine = open_engine(servers.database_url)
        try:
            yield (
                Settings(
                    _env_file=None,
                    database_url=servers.database_url,
                    redis_url=servers.redis_url,
                    posts_per_minute=0,
                    streams_per_minute=0,
                ),
                engine,
            )
        finally:
            engine.dispose()
