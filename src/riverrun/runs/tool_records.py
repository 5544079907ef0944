"""What tools leave behind in a run: which effects they had, and results that no event can hold."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Integer, Select, Text, Update, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.dml import ReturningInsert

from riverrun.infra.database import Base
from riverrun.kit.clock import now


class ToolEffect(Base):
    """One call of a tool that changes something. The row is there before the effect is, over all attempts."""

    __tablename__ = "tool_effects"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    effect_id: Mapped[str] = mapped_column(Text, primary_key=True)
    """The same in each attempt: it is made of the tool's name, the arguments, and the how-manieth such call it is."""
    tool: Mapped[str] = mapped_column(Text)
    attempt: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(Text)
    """``begun``, then ``done`` or ``failed``; one that stays begun may or may not have happened."""
    result: Mapped[str] = mapped_column(Text, default="")
    begun_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ToolResult(Base):
    """A result larger than a frame. Of two attempts that used the same call id the newer one's is kept."""

    __tablename__ = "tool_results"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    call_id: Mapped[str] = mapped_column(Text, primary_key=True)
    attempt: Mapped[int] = mapped_column(Integer)
    result: Mapped[str] = mapped_column(Text)


def begin_effect(run_id: UUID, effect_id: str, tool: str, attempt: int) -> ReturningInsert[str]:
    """Note an effect that is about to happen; returns its id if it was not noted before."""
    values = {"run_id": run_id, "effect_id": effect_id, "tool": tool, "attempt": attempt, "state": "begun"}
    return insert(ToolEffect).values(values).on_conflict_do_nothing().returning(ToolEffect.effect_id)


def end_effect(run_id: UUID, effect_id: str, state: str, result: str) -> Update:
    """Note how it went, once; also for an attempt that has lost the run meanwhile, for it is true."""
    return (
        update(ToolEffect)
        .where(ToolEffect.run_id == run_id, ToolEffect.effect_id == effect_id, ToolEffect.state == "begun")
        .values(state=state, result=result, ended_at=func.now())
    )


def noted_effect(run_id: UUID, effect_id: str) -> Select[int, str, str]:
    """``(attempt, state, result)`` of an effect that was noted."""
    return select(ToolEffect.attempt, ToolEffect.state, ToolEffect.result).where(
        ToolEffect.run_id == run_id, ToolEffect.effect_id == effect_id
    )
