"""The index of one project in Postgres, changed file by file, exact after every commit.

Rows go in by ``COPY``; each change is one transaction under the project's advisory lock. It takes out whatever is
stored of its paths before it puts the new in: two indexers of one project would waste work, but break nothing.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection, sql

from riverrun.parsing.copy_format import binary_copy, escape, nullable
from riverrun.parsing.file_rows import CALL_COLUMNS, CHUNK_COLUMNS, RECIPE, SYMBOL_COLUMNS, FileRows
from riverrun.parsing.index_lock import lock_name
from riverrun.parsing.index_size import IndexSize
from riverrun.parsing.term_frequencies import TERMS_OF_CHUNKS, TermFrequencies

CHANGE_SETTINGS = {
    # A crash of Postgres may take the last moments of an index that is not ready; the next run makes them again.
    "synchronous_commit": "off",
    "work_mem": "64MB",
    # All look-ups here are by index. A plan made and kept while the tables were empty would read them whole for ever.
    "enable_seqscan": "off",
    "lock_timeout": "60s",
    "idle_in_transaction_session_timeout": "120s",
}
"""Set for each transaction alone: the connection goes back to a pool."""
_APPLY_SETTINGS = "SELECT " + ", ".join(["set_config(%s, %s, true)"] * len(CHANGE_SETTINGS))
_SETTINGS = [part for setting in CHANGE_SETTINGS.items() for part in setting]

FILE_COLUMNS = "id, project_id, path, blob, language, lines, size, status, reason, stamp, recipe, path_terms"


@dataclass(frozen=True, slots=True)
class StoredProject:
    """What is to be indexed: a path or URL, and a branch or nothing."""

    source: str
    branch_name: str
    is_ready: bool = False
    """Whether its index is whole, and its size is known: a worker of an older release stores what it does not count."""


class StoredFile(NamedTuple):
    """What the index knows of a path."""

    id: int
    blob: str
    stamp: str
    status: str
    reason: str | None
    is_current: bool
    """Whether its rows were made by today's extraction."""


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to put into the index: with rows when it was indexed, else with the reason why not."""

    id: int
    path: str
    blob: str
    language: str | None
    size: int
    stamp: str
    status: str
    reason: str | None = None
    rows: FileRows | None = None
    source: bytes = field(default=b"", repr=False)


class IndexStore:
    """One project's rows over a connection that it has for itself."""

    def __init__(self, connection: Connection[Any], project_id: UUID) -> None:
        self._connection = connection
        self._project_id = project_id
        self._frequencies = TermFrequencies(connection, project_id)
        self._size = IndexSize(connection, project_id)
        self._first_index: _FirstIndex | None = None

    def project(self) -> StoredProject | None:
        """The project; none when it was deleted."""
        row = self._connection.execute(
            "SELECT source, branch_name, status = 'ready' AND chunks > 0 FROM projects WHERE id = %s",
            [self._project_id],
        ).fetchone()
        self._connection.commit()
        return StoredProject(*row) if row else None

    def stored_files(self) -> dict[str, StoredFile]:
        """All paths of the index."""
        rows = self._connection.execute(
            "SELECT path, id, blob, stamp, status, reason, recipe = %s FROM source_files WHERE project_id = %s",
            [RECIPE, self._project_id],
        ).fetchall()
        self._connection.commit()
        return {row[0]: StoredFile._make(row[1:]) for row in rows}

    def new_file_ids(self, count: int) -> list[int]:
        """Ids that no other file has or gets."""
        if not count:
            return []
        rows = self._connection.execute(
            "SELECT nextval(ids.name) FROM generate_series(1, %s), "
            "(SELECT pg_get_serial_sequence('source_files', 'id')::regclass AS name OFFSET 0) AS ids",
            [count],
        ).fetchall()
        self._connection.commit()
        return [number for (number,) in rows]

    def begin_first_index(self) -> None:
        """Keep the term frequencies until ``complete`` or ``mark_failed`` writes them all at once."""
        self._first_index = _FirstIndex()

    def resume_index(self) -> None:
        """Count what is stored and its terms: a run that was killed did not."""
        with self._change():
            self._size.count_again()
            self._frequencies.count_again()

    def replace(self, files: Sequence[NewFile]) -> None:
        """Put files in, instead of what is stored of their paths. All or nothing."""
        with self._change() as frequencies:
            if self._first_index:
                self._say_unready()
            self._take_out([file.path for file in files], frequencies)
            self._copy("source_files", FILE_COLUMNS, map(self._file_row, files))
            self._copy_blobs(files)
            with_rows = [file.rows for file in files if file.rows]
            self._copy("symbols", SYMBOL_COLUMNS, (rows.symbol_rows for rows in with_rows))
            self._copy("file_calls", CALL_COLUMNS, (rows.call_rows for rows in with_rows))
            self._copy_binary("chunks", CHUNK_COLUMNS, (rows.chunk_rows for rows in with_rows))
            for rows in with_rows:
                _add(frequencies, rows.terms())
            self._size.add(with_rows)
        if self._first_index:
            self._first_index.file_ids.update(file.id for file in files)

    def remove(self, paths: Sequence[str]) -> None:
        """Forget files. Their blobs stay, for answers that cite them."""
        with self._change() as frequencies:
            self._take_out(paths, frequencies)

    def restamp(self, stamps: dict[str, str]) -> None:
        """Remember the new stamps of files whose bytes turned out to be the same."""
        self._connection.execute(
            "UPDATE source_files SET stamp = new.stamp FROM unnest(%s::text[], %s::text[]) AS new (path, stamp) "
            "WHERE project_id = %s AND source_files.path = new.path",
            [list(stamps), list(stamps.values()), self._project_id],
        )
        self._connection.commit()

    def mark(self, status: str) -> None:
        """Say how far the project is."""
        self._connection.execute(
            "UPDATE projects SET status = %s, error = NULL WHERE id = %s", [status, self._project_id]
        )
        self._connection.commit()

    def mark_failed(self, error: str) -> None:
        """Say why the project did not get further. One that is still ready remains so: its index is whole, if old."""
        with self._change():
            self._write_first_frequencies()
            self._connection.execute(
                "UPDATE projects SET error = %s, status = CASE status WHEN 'ready' THEN status ELSE 'error' END "
                "WHERE id = %s",
                [error, self._project_id],
            )

    def tidy(self) -> None:
        """Sort waiting postings into the search index and tell the planner about new rows. Worth it after much change."""
        self._connection.execute("SELECT gin_clean_pending_list('ix_chunks_terms')")
        self._connection.commit()

    def complete(self, commit: str | None) -> None:
        """Say that the index is whole, durably, and how many files it has."""
        with self._change():
            self._write_first_frequencies()
            self._connection.execute("SET LOCAL synchronous_commit = on")
            self._connection.execute(
                "UPDATE projects SET status = 'ready', error = NULL, commit_id = %(commit)s, indexed_at = now(), "
                "files = (SELECT count(*) FROM source_files WHERE project_id = %(id)s AND status = 'indexed') "
                "WHERE id = %(id)s",
                {"commit": commit, "id": self._project_id},
            )

    @contextmanager
    def _change(self) -> Iterator[Counter[bytes]]:
        """A transaction under the project's lock; the counter it gives out is added to the term frequencies."""
        first = self._first_index
        changes = first.terms if first else Counter[bytes]()
        with self._connection.transaction():
            self._connection.execute(_APPLY_SETTINGS, _SETTINGS)
            self._connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [lock_name(self._project_id)]
            )
            yield changes
            if not first:
                self._frequencies.add(changes)

    def _say_unready(self) -> None:
        """Whoever else completed this index did so before its terms are counted."""
        self._connection.execute(
            "UPDATE projects SET status = 'cloned' WHERE id = %s AND status = 'ready'", [self._project_id]
        )

    def _write_first_frequencies(self) -> None:
        first, self._first_index = self._first_index, None
        if not first:
            return
        rows = self._connection.execute(
            "SELECT id FROM source_files WHERE project_id = %s", [self._project_id]
        ).fetchall()
        if first.is_alone and {number for (number,) in rows} == first.file_ids:
            self._frequencies.put(first.terms)
        else:
            self._frequencies.count_again()

    def _take_out(self, paths: Sequence[str], frequencies: Counter[bytes]) -> None:
        # One look into the unique index for each path, whatever the planner knows of the table.
        found = self._connection.execute(
            "SELECT (SELECT id FROM source_files WHERE project_id = %s AND path = wanted.path) "
            "FROM unnest(%s::text[]) AS wanted (path)",
            [self._project_id, list(paths)],
        ).fetchall()
        ids = [number for (number,) in found if number is not None]
        if not ids:
            return
        if self._first_index:
            self._first_index.is_alone = False
        counts = self._connection.execute(
            f"SELECT lexeme, count(*) FROM {TERMS_OF_CHUNKS} WHERE file_id = ANY(%s) GROUP BY lexeme", [ids]
        ).fetchall()
        _add(frequencies, ((term.encode(), -count) for term, count in counts))
        self._size.take_out(ids)
        self._connection.execute("DELETE FROM source_files WHERE id = ANY(%s)", [ids])

    def _copy(self, table: str, columns: str, rows: Iterable[bytes]) -> None:
        command = sql.SQL("COPY {} (" + columns + ") FROM STDIN").format(sql.Identifier(table))
        with self._connection.cursor().copy(command) as copy:
            copy.write(b"".join(rows))

    def _copy_binary(self, table: str, columns: str, rows: Iterable[bytes]) -> None:
        command = sql.SQL("COPY {} (" + columns + ") FROM STDIN (FORMAT BINARY)").format(
            sql.Identifier(table)
        )
        with self._connection.cursor().copy(command) as copy:
            copy.write(binary_copy(rows))

    def _copy_blobs(self, files: Sequence[NewFile]) -> None:
        new = {file.blob: file.source for file in files if file.rows}
        if not new:
            return
        stored = self._connection.execute(
            "SELECT sha FROM blobs WHERE project_id = %s AND sha = ANY(%s)", [self._project_id, list(new)]
        ).fetchall()
        for (sha,) in stored:
            del new[sha]
        command = "COPY blobs (project_id, sha, content) FROM STDIN (FORMAT BINARY)"
        with self._connection.cursor().copy(command) as copy:
            copy.set_types(["uuid", "text", "bytea"])
            for sha, source in new.items():
                copy.write_row((self._project_id, sha, source))

    def _file_row(self, file: NewFile) -> bytes:
        lines = file.rows.lines if file.rows else 0
        language, reason = nullable(file.language), nullable(file.reason)
        path_terms = file.rows.path_vector.decode() if file.rows else ""
        return (
            f"{file.id}\t{self._project_id}\t{escape(file.path)}\t{file.blob}\t{language}\t{lines}\t{file.size}\t"
            f"{file.status}\t{reason}\t{file.stamp}\t{RECIPE}\t{path_terms}\n"
        ).encode("utf-8", "backslashreplace")


@dataclass(slots=True)
class _FirstIndex:
    """What is written when a first index ends: its terms, right as long as nobody else indexes this project."""

    terms: Counter[bytes] = field(default_factory=Counter)
    file_ids: set[int] = field(default_factory=set)
    is_alone: bool = True


def _add(counts: Counter[bytes], changes: Iterable[tuple[bytes, int]]) -> None:
    count_of = counts.get
    for term, change in changes:
        counts[term] = count_of(term, 0) + change
