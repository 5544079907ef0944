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


def peer_command(name: str, *arguments: str) -> list[str]:
    """What starts a peer: ``support/NAME_peer/peer.mjs``, told the folder of its modules first.

    Skips the test that asks where there is no Node or ``make peers`` did not run; fails it with RIVERRUN_REQUIRE_PEERS.
    """
    node, folder = shutil.which("node"), INSTALLED / name
    if node is None:
        _do_without(name, "node")
    if not (folder / "node_modules").is_dir():
        _do_without(name, "modules: run `make peers`")
    script = Path(__file__).with_name(f"{name}_peer") / "peer.mjs"
    return [str(node), str(script), str(folder), *arguments]


def _do_without(name: str, what: str) -> None:
    message = f"not run: {name} peer (no {what})"
    if os.environ.get("RIVERRUN_REQUIRE_PEERS"):
        pytest.fail(message)
    pytest.skip(message)


@contextmanager
def running_peer(name: str, *arguments: str) -> Iterator[str]:
    """The line that the peer prints when it listens. It ends with its input, and so with whoever started it."""
    process = subprocess.Popen(
        peer_command(name, *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address, f"the {name} peer did not start"
        yield address
    finally:
        process.kill()
        process.communicate()
