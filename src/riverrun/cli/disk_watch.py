"""Says once that a folder's disk is full, and once that it is not any more."""

import shutil
import time
from pathlib import Path

LEAST_FREE_BYTES = 20_000_000
"""Below this servers begin to fail: Postgres writes its log in files of 16 MB."""
PAUSE_SECONDS = 2.0


class DiskWatch:
    """A look at the disk now and then, for a loop that turns oftener."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._is_full = False
        self._next_look = 0.0

    def look(self) -> str | None:
        """What there is to say, if anything has changed."""
        if time.monotonic() < self._next_look:
            return None
        self._next_look = time.monotonic() + PAUSE_SECONDS
        free_bytes = shutil.disk_usage(self._folder).free
        # Twice as much makes it over: Postgres takes and gives back a file or two at the edge.
        enough = LEAST_FREE_BYTES * (2 if self._is_full else 1)
        if (free_bytes < enough) is self._is_full:
            return None
        self._is_full = not self._is_full
        if self._is_full:
            return (
                f"The disk of {self._folder} is full ({free_bytes // 1_000_000} MB left): free some space. Until then "
                "questions wait, and processes end and are started again."
            )
        return f"There is room again on the disk of {self._folder}."
