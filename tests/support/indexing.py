"""Indexing over the API, and something to be indexed."""

import importlib.util
import shutil
from pathlib import Path
from typing import Any

from tests.support.reading import read_all

from riverrun.cli.client import RiverrunClient
from riverrun.cli.event_fold import RunEvent


def copy_of_starlette(folder: Path) -> Path:
    """The installed starlette's source, as a plain folder of its own."""
    spec = importlib.util.find_spec("starlette")
    assert spec is not None
    assert spec.origin is not None
    copy = folder / "starlette"
    shutil.copytree(Path(spec.origin).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def index_folder(client: RiverrunClient, folder: Path) -> dict[str, Any]:
    """Index a folder to the end; the project."""
    started = client.parse({"repo_path": str(folder)})
    end = read_all(client, started["run_id"])[-1]
    assert end.data["status"] == "completed", end.data
    return client.project(started["project_id"])


def files_read(events: list[RunEvent]) -> int:
    """How many files an indexing run parsed, by its last word on that phase."""
    parsing = [
        event.data["done"]
        for event in events
        if event.type == "progress" and event.data["phase"] == "parsing"
    ]
    return parsing[-1] if parsing else 0
