"""Revocations: told to every API process, so that streams which are open end with the right to read them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Identity, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from riverrun.infra.database import Base


class Revocation(Base):
    """Something that somebody may not do any more, written in the transaction that takes it away.

    One of the ids says whose streams are to be looked at: a token that was closed (session, bearer token, API key), a
    user who was disabled or left an organisation, or a subject (conversation, project) that is shared with fewer.
    """

    __tablename__ = "revocations"
    __table_args__ = (Index("ix_revocations_revoked_at", "revoked_at"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    token_id: Mapped[UUID | None]
    user_id: Mapped[UUID | None]
    subject_id: Mapped[UUID | None]
    revoked_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.clock_timestamp()
    )
