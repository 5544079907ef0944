"""The users table."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Text
from sqlalchemy.orm import Mapped, mapped_column

from riverrun.infra.database import Base
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid


class User(Base):
    """A person who may sign in. ``email`` is stored in lower case."""

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_uuid)
    email: Mapped[str] = mapped_column(Text, unique=True)
    email_verified_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Since when the address is known to be the user's; until then nothing that is shared with it reaches them."""
    display_name: Mapped[str] = mapped_column(Text)
    is_administrator: Mapped[bool] = mapped_column(default=False)
    """Administrators run the server: accounts, limits, the monitor. Of others' rows they see no more than anybody."""
    disabled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Since when no door lets the user in; nothing of theirs is deleted."""
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)
    last_login_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
