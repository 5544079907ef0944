"""Identifiers: time-ordered UUIDv7s."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_uuid() -> UUID:
    """A fresh UUIDv7: unique, and sorted by the millisecond it was made in."""
    return uuid7()
