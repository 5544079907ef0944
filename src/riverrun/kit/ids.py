"""Identifiers: time-ordered UUIDv7s, each noun its own type."""

from typing import NewType
from uuid import UUID

from uuid_utils.compat import uuid7

RunId = NewType("RunId", UUID)
UserId = NewType("UserId", UUID)
ProjectId = NewType("ProjectId", UUID)
ConversationId = NewType("ConversationId", UUID)
MessageId = NewType("MessageId", UUID)


def new_uuid() -> UUID:
    """A fresh UUIDv7: unique, and sorted by the millisecond it was made in."""
    return uuid7()
