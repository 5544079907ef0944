"""A second API process on the servers of a stack."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
from tests.support.waiting import wait_until

from riverrun.cli.client import RiverrunClient
from riverrun.cli.listen_address import choose_free_port
from riverrun.cli.server_address import ServerAddress
from riverrun.cli.stack import Stack, child_environment
from riverrun.embedded.guarded_process import GuardedProcess


@contextmanager
def second_api(stack: Stack, folder: Path) -> Iterator[RiverrunClient]:
    """A client of it, by the administrator's token."""
    settings = stack.settings.model_copy(update={"port": choose_free_port(stack.settings.host)})
    base_url = f"http://{settings.host}:{settings.port}"
    process = GuardedProcess(
        [sys.executable, "-m", "riverrun", "api"],
        log_path=folder / "second-api.log",
        environment=child_environment(settings, os.environ),
    )
    try:
        wait_until(lambda: _is_live(base_url), 60, what=f"{folder / 'second-api.log'}")
        with RiverrunClient(ServerAddress(base_url, stack.token)) as client:
            yield client
    finally:
        process.stop()


def _is_live(base_url: str) -> bool:
    try:
        return httpx2.get(f"{base_url}/health/ready", timeout=2).status_code == 200
    except httpx2.TransportError:
        return False
