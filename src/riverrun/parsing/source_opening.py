"""From a project's source to its files: a folder as it lies there, or a clone that is brought up to date first."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, select

from riverrun.code_provider.git_process import Limits
from riverrun.code_provider.git_sandbox import BlobReader, GitSandbox, TreeEntry
from riverrun.code_provider.work_tree import head_commit
from riverrun.infra.settings import Settings
from riverrun.parsing.index_pace import IndexPace
from riverrun.parsing.index_store import StoredProject
from riverrun.parsing.models import Project
from riverrun.parsing.skip_rules import vendored_directory
from riverrun.parsing.source_walk import FolderTree, SourceEntry, SourceTree

_UNSAFE_PARTS = frozenset({"", ".", "..", ".git"})


@contextmanager
def open_source(
    project: StoredProject, project_id: UUID, settings: Settings, pace: IndexPace
) -> Iterator[SourceTree]:
    """The files of a project's source. Raises ``SourceUnreadable``, ``RepositoryFailed`` and ``RepositoryStopped``."""
    if project.source.startswith(("https://", "http://")):
        with _open_clone(project, project_id, settings, pace) as clone:
            yield clone
    else:
        folder = Path(project.source)
        limit, own = settings.max_file_bytes, settings.data_dir
        with FolderTree(folder, max_file_bytes=limit, commit=head_commit(folder), data_dir=own) as tree:
            yield tree


class CloneTree:
    """The files of a fetched commit."""

    def __init__(self, sandbox: GitSandbox, blobs: BlobReader, commit: str, limits: Limits) -> None:
        self.commit: str | None = commit
        self._sandbox = sandbox
        self._blobs = blobs
        self._limits = limits

    def entries(self) -> Iterator[SourceEntry]:
        """In git's order; a vendored directory comes once, as itself."""
        for file in self._sandbox.entries(self._limits):
            directory = vendored_directory(file.path)
            if directory:
                yield SourceEntry(_printable(directory), reason="a directory of dependencies")
            elif reason := _reason_to_distrust(file):
                yield SourceEntry(_printable(file.path), reason=reason)
            else:
                yield SourceEntry(file.path, file.size, stamp=file.blob)

    def read(self, entry: SourceEntry) -> bytes:
        """The blob that the entry's stamp names."""
        return self._blobs.read(entry.stamp)


@contextmanager
def _open_clone(
    project: StoredProject, project_id: UUID, settings: Settings, pace: IndexPace
) -> Iterator[CloneTree]:
    limits = Limits(settings.clone_timeout_seconds, settings.max_repository_bytes, pace.is_stopping)
    directory = clone_directory(settings.data_dir, project_id)
    sandbox = GitSandbox(directory, allowed_hosts=settings.allowed_hosts)
    pace.report("cloning", 0, 0, "objects")
    commit = sandbox.fetch(
        project.source,
        project.branch_name,
        limits,
        lambda done, total: pace.report("cloning", done, total, "objects"),
    )
    with sandbox.open_blobs() as blobs:
        yield CloneTree(sandbox, blobs, commit, limits)


def clone_directory(data_dir: Path, project_id: UUID) -> Path:
    """Where the clone of a project lies."""
    return data_dir / "repositories" / f"{project_id}.git"


def remove_deserted_clones(connection: Connection, data_dir: Path) -> None:
    """Remove the clones of projects that are no more, as far as the disk lets us.

    The disk is looked at before the table: a project is there before its clone, so none that is just being made is
    taken for deserted.
    """
    clones = {directory.stem: directory for directory in (data_dir / "repositories").glob("*.git")}
    kept = {str(project_id) for project_id in connection.scalars(select(Project.id))}
    for project_id in clones.keys() - kept:
        shutil.rmtree(clones[project_id], ignore_errors=True)


def _reason_to_distrust(file: TreeEntry) -> str | None:
    if not _UNSAFE_PARTS.isdisjoint(file.path.split("/")):
        return "its path is not safe"
    return None if _is_utf8(file.path) else "its name is no UTF-8"


def _is_utf8(path: str) -> bool:
    return path.isprintable() or not any("\ud800" <= letter <= "\udfff" for letter in path)


def _printable(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")
