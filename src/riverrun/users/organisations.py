"""Organisations: people who share repositories, and limits."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from riverrun.infra.database import Base
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid


class OrganisationRole(StrEnum):
    """What a member may do in an organisation, the strongest first."""

    OWNER = "owner"
    """Everything, also delete it and make owners. An organisation always has one."""
    ADMIN = "admin"
    """Add and remove members and admins."""
    MEMBER = "member"
    """See what is shared with the organisation, and its members."""


class Organisation(Base):
    """A team. What is shared with it is seen by whoever is a member at that moment."""

    __tablename__ = "organisations"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_uuid)
    name: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)


class OrganisationMember(Base):
    """A user's place in an organisation."""

    __tablename__ = "organisation_members"
    __table_args__ = (Index("ix_organisation_members_user", "user_id"),)

    organisation_id: Mapped[UUID] = mapped_column(
        ForeignKey("organisations.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str] = mapped_column(Text)
    joined_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)
