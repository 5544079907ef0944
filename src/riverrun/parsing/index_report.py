"""What came of an indexing."""

from dataclasses import dataclass


@dataclass(slots=True)
class IndexReport:
    """What an indexing found and did.

    ``files`` counts everything found, ``indexed`` the files indexed in this run and ``unchanged`` those that already
    were; ``skipped`` and ``failed`` count over the whole source. ``symbols`` and ``chunks`` were made in this run.
    """

    files: int = 0
    indexed: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0
    removed: int = 0
    symbols: int = 0
    chunks: int = 0
    commit: str | None = None
    seconds: float = 0.0
