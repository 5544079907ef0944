"""Indexing a project: look at its source, parse what changed, store it; again and again, and nothing twice."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.errors import ForeignKeyViolation, LockNotAvailable
from sqlalchemy import Engine

from riverrun.code_provider.errors import RepositoryFailed, RepositoryStopped
from riverrun.infra.settings import Settings
from riverrun.parsing.errors import STOPPED, IndexingFailed, IndexingStopped
from riverrun.parsing.index_changes import Changes, find_changes
from riverrun.parsing.index_pace import IndexPace, Progress
from riverrun.parsing.index_report import IndexReport
from riverrun.parsing.index_store import IndexStore, NewFile, StoredFile
from riverrun.parsing.languages import language_in, language_of
from riverrun.parsing.models import ProjectStatus
from riverrun.parsing.parse_client import HelperUnavailable, ParseReply, ParseRequest
from riverrun.parsing.parse_pool import ParsePool
from riverrun.parsing.skip_rules import reason_by_content
from riverrun.parsing.source_opening import open_source
from riverrun.parsing.source_walk import SourceEntry, SourceTree, SourceUnreadable, blob_of

STORED_FILES = 200
STORED_BYTES = 4_000_000
"""How much is stored at once, and so how much work a killed run loses at most."""
STORED_FILES_AT_FIRST = 64
"""Fewer in a first index, whose portions have no terms to add up: less is left to store when all is parsed."""
PARSED_FILES = 32
PARSED_BYTES = 256_000
"""How much a parse helper gets at once."""
TIDY_CHUNKS = 2_000
REMOVED = "This repository was removed."


def index_project(
    engine: Engine,
    project_id: UUID,
    settings: Settings,
    *,
    progress: Progress,
    should_stop: Callable[[], bool],
    parsers: ParsePool | None = None,
) -> IndexReport:
    """Bring a project's index up to date with its source.

    Phases that ``progress`` hears of: cloning (objects), scanning, parsing, storing (files). Work is committed as it
    goes: whoever comes after a stopped or killed run goes on where it was. The project is ``ready`` only when whole;
    a change small enough for one transaction never makes a ready project unready.
    ``parsers`` may be a pool that outlives the call and so is warm; without it one is started and ended here.
    Raises ``IndexingStopped``, and ``IndexingFailed`` with a sentence for a person (also kept in the project's row).
    """
    started = time.monotonic()
    pace = IndexPace(progress, should_stop)
    with _connection(engine) as connection, nullcontext(parsers) if parsers else ParsePool() as pool:
        pool.start()
        store = IndexStore(connection, project_id)
        project = store.project()
        if project is None:
            raise IndexingFailed(REMOVED)
        try:
            with open_source(project, project_id, settings, pace) as tree:
                report = _Indexing(store, tree, pool, project_id, settings, pace).run(
                    was_ready=project.is_ready
                )
        except (IndexingStopped, RepositoryStopped) as stopped:
            store.mark_failed(STOPPED)
            raise IndexingStopped(STOPPED) from stopped
        except (SourceUnreadable, RepositoryFailed, HelperUnavailable) as failed:
            store.mark_failed(str(failed))
            raise IndexingFailed(str(failed)) from failed
        except ForeignKeyViolation as removed:
            raise IndexingFailed(REMOVED) from removed
        except LockNotAvailable as busy:
            raise IndexingFailed("Another worker holds this repository and does not let go.") from busy
    report.seconds = time.monotonic() - started
    return report


class _Indexing:
    """One pass over a source."""

    def __init__(
        self,
        store: IndexStore,
        tree: SourceTree,
        pool: ParsePool,
        project_id: UUID,
        settings: Settings,
        pace: IndexPace,
    ) -> None:
        self._store = store
        self._tree = tree
        self._pool = pool
        self._project_id = project_id
        self._max_file_bytes = settings.max_file_bytes
        self._pace = pace
        self._entries: dict[int, tuple[SourceEntry, str]] = {}
        """Files at the parsers by their new ids, with their blobs."""
        self._stored_files = STORED_FILES
        self._finished: list[NewFile] = []
        self._finished_bytes = 0
        self._same_bytes: dict[str, str] = {}
        self._done = 0
        self._report = IndexReport(commit=tree.commit)

    def run(self, *, was_ready: bool) -> IndexReport:
        self._pace.report("scanning", 0, 0)
        stored = self._store.stored_files()
        changes = find_changes(
            self._tree.entries(),
            stored,
            self._max_file_bytes,
            lambda seen: self._pace.report("scanning", seen, 0),
        )
        if not changes.files:
            raise SourceUnreadable(
                "There is nothing to index: the repository is empty, or everything in it is ignored."
            )
        self._begin_store(changes, is_first=not stored, was_ready=was_ready)
        self._begin_report(changes)
        self._skip(changes)
        self._parse(changes, stored)
        self._remove(changes.to_remove)
        self._complete()
        return self._report

    def _begin_store(self, changes: Changes, *, is_first: bool, was_ready: bool) -> None:
        if is_first:
            self._stored_files = STORED_FILES_AT_FIRST
            self._store.begin_first_index()
        elif not was_ready:
            self._store.resume_index()
        if changes.count > STORED_FILES:
            self._store.mark(ProjectStatus.CLONED)

    def _begin_report(self, changes: Changes) -> None:
        report = self._report
        report.files = changes.files
        report.unchanged = changes.unchanged["indexed"]
        report.skipped = changes.unchanged["skipped"]
        report.failed = changes.unchanged["failed"]
        report.removed = len(changes.to_remove)

    def _skip(self, changes: Changes) -> None:
        ids = iter(self._store.new_file_ids(len(changes.to_skip)))
        for entry, reason in changes.to_skip:
            self._finish(self._unread(next(ids), entry, "skipped", reason))

    def _parse(self, changes: Changes, stored: dict[str, StoredFile]) -> None:
        total = len(changes.to_read)
        if not total:
            return
        self._pace.report("parsing", 0, total)
        batches = self._batches(changes.to_read, stored)
        with closing(self._pool.parse(self._project_id, batches)) as parsed:
            for replies in parsed:
                for reply in replies:
                    self._finish(self._parsed(reply))
                self._pace.report("parsing", self._done, total)
                if len(self._finished) >= self._stored_files or self._finished_bytes >= STORED_BYTES:
                    self._flush()
        self._pace.report("parsing", total, total)

    def _batches(
        self, entries: list[SourceEntry], stored: dict[str, StoredFile]
    ) -> Iterator[list[ParseRequest]]:
        """Reads files and gathers those to be parsed; what needs no parser is finished on the way."""
        batch: list[ParseRequest] = []
        size = 0
        for number, entry in zip(self._store.new_file_ids(len(entries)), entries, strict=True):
            self._pace.check()
            request = self._request(number, entry, stored.get(entry.path))
            if request is None:
                self._done += 1
                continue
            batch.append(request)
            size += len(request.source)
            if size >= PARSED_BYTES or len(batch) >= PARSED_FILES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _request(self, number: int, entry: SourceEntry, known: StoredFile | None) -> ParseRequest | None:
        try:
            source = self._tree.read(entry)
        except OSError as error:
            problem = f"it cannot be read: {error.strerror or error}"
            self._finish(self._unread(number, entry, "failed", problem, stamp=""))
            return None
        blob = blob_of(source)
        if known and known.is_current and known.blob == blob and known.status != "failed":
            self._same_bytes[entry.path] = entry.stamp
            self._count_unchanged(known)
            return None
        language = language_in(entry.path, source)
        reason = reason_by_content(language, source, self._max_file_bytes)
        if reason:
            self._finish(self._unread(number, entry, "skipped", reason, blob=blob))
            return None
        self._entries[number] = (entry, blob)
        return ParseRequest(number, entry.path, language, source)

    def _parsed(self, reply: ParseReply) -> NewFile:
        request = reply.request
        entry, blob = self._entries.pop(request.file_id)
        self._done += 1
        return NewFile(
            id=request.file_id,
            path=entry.path,
            blob=blob,
            language=request.language,
            size=len(request.source),
            stamp=entry.stamp,
            status="indexed" if reply.rows else "failed",
            reason=reply.rows.note if reply.rows else reply.reason,
            rows=reply.rows,
            source=request.source,
        )

    def _unread(
        self,
        number: int,
        entry: SourceEntry,
        status: str,
        reason: str,
        *,
        blob: str = "",
        stamp: str | None = None,
    ) -> NewFile:
        stamp = entry.stamp if stamp is None else stamp
        return NewFile(
            number, entry.path, blob, language_of(entry.path), entry.size, stamp, status=status, reason=reason
        )

    def _finish(self, file: NewFile) -> None:
        self._finished.append(file)
        self._finished_bytes += len(file.source)
        if file.rows:
            self._report.indexed += 1
            self._report.symbols += file.rows.symbols
            self._report.chunks += file.rows.chunks
        elif file.status == "skipped":
            self._report.skipped += 1
        else:
            self._report.failed += 1

    def _count_unchanged(self, known: StoredFile) -> None:
        if known.status == "skipped":
            self._report.skipped += 1
        else:
            self._report.unchanged += 1

    def _flush(self) -> None:
        if self._finished:
            self._store.replace(self._finished)
            self._finished, self._finished_bytes = [], 0

    def _remove(self, paths: list[str]) -> None:
        for start in range(0, len(paths), STORED_FILES):
            self._pace.check()
            self._store.remove(paths[start : start + STORED_FILES])

    def _complete(self) -> None:
        total = self._report.files
        self._pace.report("storing", 0, total)
        self._flush()
        if self._same_bytes:
            self._store.restamp(self._same_bytes)
        if self._report.chunks > TIDY_CHUNKS:
            self._store.mark(ProjectStatus.PARSED)
            self._store.tidy()
        self._store.complete(self._tree.commit)
        self._pace.report("storing", total, total)


@contextmanager
def _connection(engine: Engine) -> Iterator[Connection[Any]]:
    """psycopg's own connection out of the pool, for ``COPY``; clean again when it goes back."""
    pooled = engine.raw_connection()
    try:
        connection = pooled.driver_connection
        assert isinstance(connection, Connection)
        yield connection
    except BaseException:
        pooled.invalidate()
        raise
    finally:
        pooled.close()
