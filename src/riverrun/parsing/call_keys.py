"""The numbers by which a project's calls are found.

An index over the names themselves would hold the calls of all projects under each common name.
"""

from collections.abc import Iterable
from uuid import UUID
from zlib import crc32


def call_keys(project_id: UUID, names: Iterable[str]) -> list[int]:
    """A signed number of 32 bits for each name; different names may have the same."""
    seed = crc32(project_id.bytes)
    return [crc32(name.encode("utf-8", "replace"), seed) - (1 << 31) for name in names]
