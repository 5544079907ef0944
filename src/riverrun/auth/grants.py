"""Grants: how somebody who is not a row's owner comes to see it."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, DateTime, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from riverrun.infra.database import Base
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid


class Right(StrEnum):
    """What a principal may do with a row; each includes those before it."""

    VIEW = "view"
    """See it, with everything that belongs to it, and follow its runs."""
    ASK = "ask"
    """Also ask in a conversation, ask again and stop what one has asked."""
    OWN = "own"
    """Everything; never granted, it is the owner's alone."""

    @property
    def granted_by(self) -> Sequence[str]:
        """The granted rights that suffice for this one."""
        granted = (Right.VIEW, Right.ASK)
        return granted[granted.index(self) :] if self in granted else ()


class Grant(Base):
    """A right on a conversation or a project, for exactly one of: a verified e-mail address, an organisation's members,
    whoever holds a link.

    ``subject_id`` is the conversation's or project's id. A link's token is stored as its SHA-256.
    """

    __tablename__ = "grants"
    __table_args__ = (
        CheckConstraint("num_nonnulls(conversation_id, project_id) = 1", name="one_subject"),
        CheckConstraint("num_nonnulls(email, organisation_id, link_hash) = 1", name="one_grantee"),
        Index("uq_grants_email", "subject_id", "email", unique=True),
        Index("uq_grants_organisation", "subject_id", "organisation_id", unique=True),
        Index("ix_grants_email", "email"),
        Index("ix_grants_organisation", "organisation_id"),
        Index("ix_grants_expires_at", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_uuid)
    conversation_id: Mapped[UUID | None] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    project_id: Mapped[UUID | None] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    subject_id: Mapped[UUID] = mapped_column(
        Computed("coalesce(conversation_id, project_id)", persisted=True)
    )
    email: Mapped[str | None] = mapped_column(Text)
    """In lower case."""
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id", ondelete="CASCADE"))
    link_hash: Mapped[str | None] = mapped_column(Text, unique=True)
    requires_sign_in: Mapped[bool] = mapped_column(default=True)
    """Whether a link opens only for people with an account here."""
    right: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)
