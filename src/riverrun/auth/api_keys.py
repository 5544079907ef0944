"""API keys: how programs of a user come in at ``/api/v2``. Several a user, each with a name and its own scopes."""

import hashlib
import re
import secrets
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from riverrun.infra.database import Base
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid

KEY_FORM = re.compile("sk-[0-9a-f]{64}")
HINT_CHARS = 8


class Scope(StrEnum):
    """What a key is good for."""

    READ = "read"
    """Look at conversations, runs and repositories, search, and follow streams."""
    WRITE = "write"
    """Everything else: ask, stop, index, rename, delete."""
    ADMINISTER = "administer"
    """Also what administrators alone may: everybody's usage, and limits. Looking needs ``read`` beside it, setting ``write``."""


class ApiKey(Base):
    """A key of a user. Only its SHA-256 is stored: 256 random bits need no slow hash."""

    __tablename__ = "api_keys"
    __table_args__ = (Index("ix_api_keys_user", "user_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_uuid)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Text)
    key_hash: Mapped[str] = mapped_column(Text, unique=True)
    hint: Mapped[str] = mapped_column(Text)
    """The key's beginning, by which its owner tells it from the others."""
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """To the minute."""
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


def new_api_key() -> str:
    """``sk-`` and 64 hex digits."""
    return f"sk-{secrets.token_hex(32)}"


def is_api_key(text: str) -> bool:
    """Whether ``text`` has a key's form; nothing else is worth a look into the table."""
    return KEY_FORM.fullmatch(text) is not None


def api_key_hash(key: str) -> str:
    """SHA-256 in hex, prefix included."""
    return hashlib.sha256(key.encode()).hexdigest()


def hint_of(key: str) -> str:
    """What of a key may be shown again."""
    return key[:HINT_CHARS]
