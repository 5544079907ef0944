"""What an indexing has to do: a source's files compared with those of the index, without reading any."""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from riverrun.parsing.index_store import StoredFile
from riverrun.parsing.skip_rules import MAX_PATH_BYTES, reason_by_path
from riverrun.parsing.source_walk import SourceEntry

TOO_LONG = f"its path is longer than {MAX_PATH_BYTES:,} bytes"
SHOWN_PATH_CHARS = 200
CHECKPOINT_FILES = 16
"""So often is looked up from a scan: a file takes it less time than a look at the clock."""


@dataclass(slots=True)
class Changes:
    """``to_read`` may have changed, ``to_skip`` is left out for the reason beside it, ``to_remove`` is gone.

    ``unchanged`` counts the rest by their status.
    """

    to_read: list[SourceEntry] = field(default_factory=list)
    to_skip: list[tuple[SourceEntry, str]] = field(default_factory=list)
    to_remove: list[str] = field(default_factory=list)
    unchanged: dict[str, int] = field(default_factory=lambda: {"indexed": 0, "skipped": 0, "failed": 0})
    files: int = 0

    @property
    def count(self) -> int:
        """How many paths there are to look at."""
        return len(self.to_read) + len(self.to_skip) + len(self.to_remove)


def find_changes(
    entries: Iterable[SourceEntry],
    stored: Mapping[str, StoredFile],
    max_file_bytes: int,
    checkpoint: Callable[[int], None],
) -> Changes:
    """Compare; ``checkpoint`` is called with the number of files seen so far, now and then, and may raise to end it.

    A path that comes twice (only a forged git tree has such) counts once.
    """
    changes = Changes()
    seen: set[str] = set()
    for entry in map(_storable, entries):
        if entry.path in seen:
            continue
        seen.add(entry.path)
        if len(seen) % CHECKPOINT_FILES == 1:
            checkpoint(len(seen))
        known = stored.get(entry.path)
        reason = entry.reason or reason_by_path(entry.path, entry.size, max_file_bytes)
        if reason:
            if known and known.status == "skipped" and known.reason == reason:
                changes.unchanged["skipped"] += 1
            else:
                changes.to_skip.append((entry, reason))
        elif known and _is_as_it_was(known, entry):
            changes.unchanged[known.status] += 1
        else:
            changes.to_read.append(entry)
    changes.files = len(seen)
    changes.to_remove = [path for path in stored if path not in seen]
    return changes


def _is_as_it_was(known: StoredFile, entry: SourceEntry) -> bool:
    """Whether a file need not be read. One that was never read, for a reason that is none any more, must be."""
    was_read = known.status != "skipped" or bool(known.blob)
    return known.is_current and was_read and bool(known.stamp) and known.stamp == entry.stamp


def _storable(entry: SourceEntry) -> SourceEntry:
    """The entry; one whose path is too long for the index under a shorter name that is its own, and not to be read."""
    path = os.fsencode(entry.path)
    if len(path) <= MAX_PATH_BYTES:
        return entry
    name = f"{entry.path[:SHOWN_PATH_CHARS]}… ({hashlib.sha256(path).hexdigest()})"
    return SourceEntry(name, entry.size, entry.stamp, entry.reason or TOO_LONG)
