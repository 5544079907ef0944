"""Servers for a proof that drives the application in its own process."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from riverrun.embedded import EmbeddedServers
from riverrun.infra.database import open_engine
from riverrun.infra.settings import Settings
from riverrun.migrations import upgrade


def without_limits(database_url: str, redis_url: str) -> Settings:
    """Limits of posts and streams would refuse three requests of four, which then prove nothing."""
    return Settings(
        _env_file=None,
        database_url=database_url,
        redis_url=redis_url,
        posts_per_minute=0,
        streams_per_minute=0,
    )


@contextmanager
def own_servers(
    settings_for: Callable[[str, str], Settings] = without_limits,
) -> Iterator[tuple[Settings, Engine]]:
    """Settings of a migrated, empty database and an empty Valkey, and an engine; all of it gone after the block."""
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedServers.start(Path(folder), durable=False) as servers,
    ):
        upgrade(servers.database_url)
        engine = open_engine(servers.database_url)
        try:
            yield settings_for(servers.database_url, servers.redis_url), engine
        finally:
            engine.dispose()
