"""Real servers for every test that asks: one pair a session, a database of its own for each test."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
import redis
from tests.support.spare_databases import SpareDatabases, database_named

from riverrun.embedded import EmbeddedServers
from riverrun.migrations import upgrade

pytest_plugins = [
    "tests.fixtures.api_fixtures",
    "tests.fixtures.browser_reports",
    "tests.fixtures.mailing_fixtures",
    "tests.fixtures.run_fixtures",
    "tests.fixtures.sso_fixtures",
    "tests.fixtures.stream_fixtures",
]

TEMPLATE = "riverrun_template"
_numbers = count(1)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServers]:
    """Postgres and Valkey of this session, empty at its start. Not durable: a power cut would lose the tests' data."""
    with EmbeddedServers.start(tmp_path_factory.mktemp("servers"), durable=False) as started:
        yield started


@pytest.fixture(scope="session")
def template_database(servers: EmbeddedServers) -> str:
    """The name of a migrated database that tests' databases are copies of."""
    execute(servers.database_url, f"CREATE DATABASE {TEMPLATE}")
    upgrade(database_named(servers.database_url, TEMPLATE))
    return TEMPLATE


@pytest.fixture(scope="session")
def spare_databases(servers: EmbeddedServers, template_database: str) -> Iterator[SpareDatabases]:
    with SpareDatabases(servers.database_url, template_database) as spares:
        yield spares


@pytest.fixture
def database_url(spare_databases: SpareDatabases) -> Iterator[str]:
    """A migrated, empty database for this test alone."""
    url = spare_databases.take()
    yield url
    spare_databases.drop(url)


@pytest.fixture
def empty_database_url(servers: EmbeddedServers, spare_databases: SpareDatabases) -> Iterator[str]:
    """A database without tables, for this test alone."""
    name = f"test_{next(_numbers)}"
    execute(servers.database_url, f"CREATE DATABASE {name}")
    url = database_named(servers.database_url, name)
    yield url
    spare_databases.drop(url)


@pytest.fixture
def redis_url(servers: EmbeddedServers) -> str:
    """The session's Valkey with every logical database emptied."""
    with redis.Redis.from_url(servers.redis_url) as client:
        client.flushall()
    return servers.redis_url


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A folder for servers that a test starts itself."""
    return tmp_path / "data"


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
