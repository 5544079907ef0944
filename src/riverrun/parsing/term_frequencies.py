"""In how many chunks of a project each term stands, kept in step with the chunks."""

from collections import Counter
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection

TERMS_OF_CHUNKS: LiteralString = (
    "chunks JOIN source_files ON source_files.id = file_id, unnest(path_terms || terms)"
)
"""Each chunk with each of its terms: its own, and those of its file's path."""


class TermFrequencies:
    """One project's frequencies, inside the caller's transaction and under its lock."""

    def __init__(self, connection: Connection[Any], project_id: UUID) -> None:
        self._connection = connection
        self._project_id = project_id

    def add(self, changes: Counter[bytes]) -> None:
        """Add what was put in and what, negative, was taken out."""
        # In the order of terms, so that two indexers never wait for each other's rows in a circle.
        effective = sorted((term, change) for term, change in changes.items() if change)
        if not effective:
            return
        terms, deltas = zip(*effective, strict=True)
        self._connection.execute(
            "INSERT INTO term_frequencies (project_id, term, chunks) "
            "SELECT %s, term, delta "
            "FROM unnest(string_to_array(%s, ' '), string_to_array(%s, ' ')::int[]) AS change (term, delta) "
            "ON CONFLICT (project_id, term) DO UPDATE SET chunks = term_frequencies.chunks + excluded.chunks",
            # Two texts of words: an array of 20,000 parameters takes ten times as long to write.
            [self._project_id, b" ".join(terms).decode(), " ".join(map(str, deltas))],
        )
        gone = [term.decode() for term, delta in effective if delta < 0]
        if gone:
            self._connection.execute(
                "DELETE FROM term_frequencies WHERE project_id = %s AND term = ANY(%s) AND chunks <= 0",
                [self._project_id, gone],
            )

    def put(self, counts: Counter[bytes]) -> None:
        """These and no others."""
        self._forget()
        project = str(self._project_id).encode()
        # The terms alone are sorted: twenty thousand pairs that last would have the collector look at the whole worker.
        rows = [b"%b\t%b\t%d\n" % (project, term, counts[term]) for term in sorted(counts)]
        command = "COPY term_frequencies (project_id, term, chunks) FROM STDIN"
        with self._connection.cursor().copy(command) as copy:
            copy.write(b"".join(rows))

    def count_again(self) -> None:
        """Those of the chunks that are stored, whatever was noted before."""
        self._forget()
        self._connection.execute(
            "INSERT INTO term_frequencies (project_id, term, chunks) "
            f"SELECT %(project)s, lexeme, count(*) FROM {TERMS_OF_CHUNKS} "
            "WHERE chunks.project_id = %(project)s GROUP BY lexeme",
            {"project": self._project_id},
        )

    def _forget(self) -> None:
        self._connection.execute("DELETE FROM term_frequencies WHERE project_id = %s", [self._project_id])
