"""The stack as processes, indexed once with a real package's source, shared by all tests that leave it whole."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from tests.support.accounts import bearer_token_of_a_stranger
from tests.support.indexing import copy_of_starlette, index_folder
from tests.support.stacks import open_stack
from tests.support.tenant_canaries import Tenant, betrayals_on, plant_tenant

from riverrun.cli.client import RiverrunClient
from riverrun.cli.server_address import ServerAddress
from riverrun.cli.stack import Stack
from riverrun.kit.free_port import free_port

CHUNK_DELAY_MS = 30
"""A built-in answer has some 30 pieces: it lasts a second, long enough to be in the middle of it."""
METRICS_TOKEN = "what the scraper sends"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and "stack" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def unwatched_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """API, two workers, Postgres and Valkey."""
    with open_stack(
        tmp_path_factory.mktemp("stack"),
        RIVERRUN_EXTRACTIVE_DELAY_MS=CHUNK_DELAY_MS,
        RIVERRUN_METRICS_TOKEN=METRICS_TOKEN,
        RIVERRUN_WORKER_METRICS_PORT=free_port(),
    ) as stack:
        yield stack


@pytest.fixture(scope="session")
def tenant(unwatched_stack: Stack) -> Tenant:
    """Somebody else on the stack, whom no test is about."""
    return plant_tenant(unwatched_stack.settings.require_database_url())


@pytest.fixture(scope="session")
def stack(unwatched_stack: Stack, tenant: Tenant) -> Iterator[Stack]:
    """The stack of all tests. Whatever they did there, no tenant's byte went to another or into a log."""
    yield unwatched_stack
    others = (
        unwatched_stack.token,
        bearer_token_of_a_stranger(unwatched_stack.settings.require_database_url()),
    )
    assert list(betrayals_on(unwatched_stack, tenant, others)) == []


@pytest.fixture(scope="session")
def client(stack: Stack) -> Iterator[RiverrunClient]:
    """The administrator's client."""
    with RiverrunClient(ServerAddress(stack.base_url, stack.token)) as client:
        yield client


@pytest.fixture(scope="session")
def http(stack: Stack) -> Iterator[httpx2.Client]:
    """Bare HTTP with the administrator's token."""
    with httpx2.Client(
        base_url=stack.base_url, headers={"Authorization": f"Bearer {stack.token}"}, timeout=30
    ) as http:
        yield http


@pytest.fixture(scope="session")
def stranger(stack: Stack) -> Iterator[RiverrunClient]:
    """The client of another account."""
    with RiverrunClient(
        ServerAddress(stack.base_url, bearer_token_of_a_stranger(stack.settings.require_database_url()))
    ) as client:
        yield client


@pytest.fixture(scope="session")
def starlette_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed starlette's source, as a plain folder of its own."""
    return copy_of_starlette(tmp_path_factory.mktemp("packages"))


@pytest.fixture(scope="session")
def project_id(client: RiverrunClient, starlette_source: Path) -> str:
    """The indexed starlette."""
    return str(index_folder(client, starlette_source)["id"])


@pytest.fixture
def conversation_id(client: RiverrunClient, project_id: str) -> str:
    """A fresh conversation about it."""
    return client.start_conversation(project_id)


@pytest.fixture
def key() -> str:
    """A fresh idempotency key."""
    return str(uuid4())
