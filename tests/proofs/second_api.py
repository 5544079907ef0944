"""A second API process on the servers of a stack."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from tests.support.waiting import wait_until

from riverrun.cli.child_environment import child_environment
from riverrun.cli.client import RiverrunClient
from riverrun.cli.listen_address import choose_free_port
from riverrun.cli.server_address import ServerAddress
from riverrun.cli.stack import Stack
from riverrun.embedded.guarded_process import GuardedProcess


@dataclass(frozen=True, slots=True)
class SecondApi:
    """Where it listens, and a client of it by the administrator's token."""

    base_url: str
    client: RiverrunClient


@contextmanager
def second_api(stack: Stack, folder: Path) -> Iterator[SecondApi]:
    """Another API process while the block lasts."""
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
            yield SecondApi(base_url, client)
    finally:
        process.stop()


def _is_live(base_url: str) -> bool:
    try:
        return httpx2.get(f"{base_url}/health/ready", timeout=2).status_code == 200
    except httpx2.TransportError:
        return False
