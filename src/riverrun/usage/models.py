"""The ledger of questions, the counters beside it, and who may ask how much."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Date, DateTime, ForeignKey, Index, Integer, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from riverrun.infra.database import Base
from riverrun.kit.clock import now


class HolderKind(StrEnum):
    """Whose counters a question is on: the user's, the API key's by which they came, and their organisations'."""

    USER = "user"
    KEY = "key"
    ORGANISATION = "organisation"


class EntryState(StrEnum):
    """A question's one way through the ledger: reserved, then one of the two ends."""

    RESERVED = "reserved"
    SETTLED = "settled"
    """It counts, with the tokens that it took."""
    RELEASED = "released"
    """It does not count."""


class UsageEntry(Base):
    """A question, or one that is to be answered again: by its run, so that it counts once whatever happens to that.

    It names no conversation: deleting that gives nothing back.
    """

    __tablename__ = "usage_entries"
    __table_args__ = (
        Index("ix_usage_entries_user_day", "user_id", "asked_on"),
        Index("ix_usage_entries_day", "asked_on"),
    )

    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    """Who asked."""
    api_key_id: Mapped[UUID | None]
    organisation_ids: Mapped[Sequence[UUID]] = mapped_column(ARRAY(Uuid))
    """Of which the asker was a member then."""
    kind: Mapped[str] = mapped_column(Text)
    """The run's: an answer, or a regeneration."""
    agent_id: Mapped[str] = mapped_column(Text)
    asked_on: Mapped[date] = mapped_column(Date)
    """The UTC day on whose counters it is, and stays."""
    reserved_tokens: Mapped[int] = mapped_column(Integer)
    tokens: Mapped[int] = mapped_column(Integer)
    """The reserved ones until the end."""
    state: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)
    settled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class UsageCounter(Base):
    """What a holder has asked in a UTC day or month: the sum of its entries, kept in their transactions."""

    __tablename__ = "usage_counters"

    holder_kind: Mapped[str] = mapped_column(Text, primary_key=True)
    holder_id: Mapped[UUID] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(Text, primary_key=True)
    starts_on: Mapped[date] = mapped_column(Date, primary_key=True)
    questions: Mapped[int] = mapped_column(BigInteger)
    tokens: Mapped[int] = mapped_column(BigInteger)
    """Reserved ones included."""


class UsageLimit(Base):
    """What an administrator has laid down for a holder: a plan, numbers that win over the plan's, or both."""

    __tablename__ = "usage_limits"

    holder_kind: Mapped[str] = mapped_column(Text, primary_key=True)
    holder_id: Mapped[UUID] = mapped_column(primary_key=True)
    plan: Mapped[str | None] = mapped_column(Text)
    questions_per_day: Mapped[int | None] = mapped_column(BigInteger)
    questions_per_month: Mapped[int | None] = mapped_column(BigInteger)
    tokens_per_day: Mapped[int | None] = mapped_column(BigInteger)
    tokens_per_month: Mapped[int | None] = mapped_column(BigInteger)
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)


class Subscription(Base):
    """A user's plan as the billing system named it last."""

    __tablename__ = "subscriptions"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    plan: Mapped[str] = mapped_column(Text)
    learnt_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
