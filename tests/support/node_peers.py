"""Real peers that are Node programs: where their modules are, and what is said when they are not there."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INSTALLED = ROOT / ".venv" / "peers"
"""Where ``make peers`` puts them."""


def node() -> str:
    """The path of Node. Skips the test that asks where there is none, unless RIVERRUN_REQUIRE_PEERS is set."""
    found = shutil.which("node")
    if found is None:
        _do_without("node")
    return str(found)


def modules_of(name: str) -> Path:
    """The folder in which the peer's modules are; skips likewise where they are not installed."""
    folder = INSTALLED / name
    if not (folder / "node_modules").is_dir():
        _do_without("modules: run `make peers`")
    return folder


def _do_without(what: str) -> None:
    message = f"not run: oidc peer (no {what})"
    if os.environ.get("RIVERRUN_REQUIRE_PEERS"):
        pytest.fail(message)
    pytest.skip(message)


@contextmanager
def node_process(command: list[str], **options: str | Path) -> Iterator[subprocess.Popen[str]]:
    """A process that ends when its input does, and so with whoever started it."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        **options,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
