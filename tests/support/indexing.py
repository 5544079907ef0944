"""Indexing over the API."""

from pathlib import Path
from typing import Any

from tests.support.reading import read_all

from riverrun.cli.client import RiverrunClient
from riverrun.cli.event_fold import RunEvent


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
