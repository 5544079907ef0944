"""A real git server, over a folder of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.git_server import GitServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    (tmp_path / "served").mkdir()
    with GitServer(tmp_path / "served") as started:
        yield started
