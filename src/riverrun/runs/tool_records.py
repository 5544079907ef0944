"""What tools leave behind in a run: which effects they had, and results that no event can hold."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from riverrun.infra.database import Base
from riverrun.kit.clock import now


class EffectState(StrEnum):
    """An effect's way: begun, then done or failed. One that stays ``begun`` may or may not have happened."""

    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"


class ToolEffect(Base):
    """One call of a tool that changes something. The row is there before the effect is, over all attempts."""

    __tablename__ = "tool_effects"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    effect_id: Mapped[str] = mapped_column(Text, primary_key=True)
    """The same in each attempt: it is made of the tool's name, the arguments, and the how-manieth such call it is."""
    tool: Mapped[str] = mapped_column(Text)
    attempt: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(Text, default=EffectState.BEGUN)
    result: Mapped[str | None] = mapped_column(Text)
    begun_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ToolResult(Base):
    """A result larger than a frame. Of two attempts that used the same call id the newer one's is kept."""

    __tablename__ = "tool_results"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    call_id: Mapped[str] = mapped_column(Text, primary_key=True)
    attempt: Mapped[int] = mapped_column(Integer)
    result: Mapped[str] = mapped_column(Text)
