"""Which providers let a user in, and links that still wait for the owner's word."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from riverrun.infra.database import Base
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid


class UserAuthProvider(Base):
    """One way in: a user has at most one of a type, and nobody else has the same."""

    __tablename__ = "user_auth_providers"
    __table_args__ = (
        UniqueConstraint("user_id", "provider_type", name="uq_user_auth_providers_user_type"),
        UniqueConstraint("provider_type", "provider_uid", name="uq_user_auth_providers_identity"),
        Index("uq_user_auth_providers_primary", "user_id", unique=True, postgresql_where=text("is_primary")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_uuid)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    provider_type: Mapped[str] = mapped_column(Text)
    provider_uid: Mapped[str] = mapped_column(Text)
    provider_data: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    is_primary: Mapped[bool] = mapped_column(default=False)
    """The one that is shown as the usual way in; at most one a user."""
    linked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class PendingProviderLink(Base):
    """A proven identity whose address is an account's. Only that account's owner makes it a way in."""

    __tablename__ = "pending_provider_links"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_uuid)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    provider_type: Mapped[str] = mapped_column(Text)
    provider_uid: Mapped[str] = mapped_column(Text)
    provider_data: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    token_hash: Mapped[str] = mapped_column(Text, unique=True)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
