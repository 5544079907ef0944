"""What a project's row says of its index, kept in step: how many symbols and chunks, how many terms under each label."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg import Connection

from riverrun.parsing.file_rows import FileRows

_CHUNKS_AND_TERMS = (
    "count(*), coalesce(sum(lengths[1]), 0), coalesce(sum(lengths[2]), 0), coalesce(sum(lengths[3]), 0), "
    "coalesce(sum(lengths[4]), 0)"
)


class IndexSize:
    """One project's size, inside the caller's transaction and under its lock. To count it takes longer than to change a file."""

    def __init__(self, connection: Connection[Any], project_id: UUID) -> None:
        self._connection = connection
        self._project_id = project_id

    def add(self, files: Sequence[FileRows]) -> None:
        """These were put in."""
        sizes = ((rows.symbols, rows.chunks, *rows.label_lengths) for rows in files)
        self._change([sum(column) for column in zip(*sizes, strict=True)])

    def take_out(self, file_ids: Sequence[int]) -> None:
        """These are going to be taken out."""
        sizes = self._connection.execute(
            "SELECT (SELECT count(*) FROM symbols WHERE file_id = ANY(%(ids)s)), "
            f"{_CHUNKS_AND_TERMS} FROM chunks WHERE file_id = ANY(%(ids)s)",
            {"ids": file_ids},
        ).fetchone()
        assert sizes
        self._change([-size for size in sizes])

    def count_again(self) -> None:
        """The size of what is stored, whatever was noted before."""
        self._connection.execute(
            "UPDATE projects SET symbols = (SELECT count(*) FROM symbols WHERE project_id = %(id)s), "
            "chunks = found.chunks, label_lengths = ARRAY[a, b, c, d] "
            f"FROM (SELECT {_CHUNKS_AND_TERMS} FROM chunks WHERE project_id = %(id)s) AS found (chunks, a, b, c, d) "
            "WHERE id = %(id)s",
            {"id": self._project_id},
        )

    def _change(self, sizes: Sequence[int]) -> None:
        """Add to symbols, chunks and the terms under A, B, C and D."""
        if any(sizes):
            self._connection.execute(
                "UPDATE projects SET symbols = symbols + %s, chunks = chunks + %s, label_lengths = ARRAY["
                "label_lengths[1] + %s, label_lengths[2] + %s, label_lengths[3] + %s, label_lengths[4] + %s] "
                "WHERE id = %s",
                [*sizes, self._project_id],
            )
