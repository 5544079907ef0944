"""Access tokens: what sessions, bearer tokens, and links that work once have in common."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from riverrun.infra.database import Base
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid


class TokenKind(StrEnum):
    """A token opens only the door it was made for."""

    SESSION = "session"
    ONE_TIME = "one_time"
    """In a sign-in link that the operator prints."""
    EDITOR = "editor"
    """For an editor, which gets a bearer token. It opens no browser: else anybody could make a link that signs others in as them."""
    BEARER = "bearer"
    PASSWORD_RESET = "password_reset"
    EMAIL_VERIFICATION = "email_verification"


class AccessToken(Base):
    """A secret that stands for a user. Only its SHA-256 is stored: 256 random bits need no slow hash."""

    __tablename__ = "access_tokens"
    __table_args__ = (
        Index("ix_access_tokens_user", "user_id"),
        Index("ix_access_tokens_expires_at", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_uuid)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(Text)
    token_hash: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
