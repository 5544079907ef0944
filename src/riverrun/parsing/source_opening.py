"""From a project's source to its files: a folder as it lies there, or a clone brought up to date."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from riverrun.infra.settings import Settings
from riverrun.parsing.index_pace import IndexPace
from riverrun.parsing.source_walk import FolderTree, SourceTree


@contextmanager
def open_source(
    project: dict[str, Any], project_id: UUID, settings: Settings, pace: IndexPace
) -> Iterator[SourceTree]:
    with FolderTree(Path(project["source"]), max_file_bytes=settings.max_file_bytes) as tree:
        yield tree
