"""Names of runs: a client that asks may choose one, unique within its conversation. Without one a run goes by its id."""

from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Insert,
    Select,
    Text,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from riverrun.infra.database import Base
from riverrun.runs.models import Run


class SessionName(Base):
    """A run's name within its conversation. It is given in the transaction that creates the run, and never again."""

    __tablename__ = "session_names"

    conversation_id: Mapped[UUID] = mapped_column(
        ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True
    )
    session_id: Mapped[str] = mapped_column(Text, primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), unique=True)


def id_in(text: str) -> UUID | None:
    """The id that ``text`` is, in any spelling of one; none when it is a name."""
    try:
        return UUID(text)
    except ValueError:
        return None


def name_of(run_id: UUID) -> Select[str]:
    """The name that the run has been given."""
    return select(SessionName.session_id).where(SessionName.run_id == run_id)


def claim_name(conversation_id: UUID, wanted: str, run_id: UUID) -> Insert:
    """Name the run ``wanted``, or the first of ``wanted-1``, ``wanted-2``, ... that is free; returns the name.

    The id of another run here is not free: by that one goes nobody else. No row comes back when another transaction was faster: claim again.
    """
    here = SessionName.conversation_id == conversation_id
    count = select(func.count()).where(here).scalar_subquery()
    number = func.generate_series(0, count + 1).column_valued("number")
    name = case((number == 0, wanted), else_=literal(wanted) + "-" + cast(number, Text))
    is_taken = select(SessionName.run_id).where(here, SessionName.session_id == name).exists()
    is_an_id = and_(number == 0, _is_another_run(conversation_id, wanted, run_id))
    free = select(name).where(~is_taken, ~is_an_id).order_by(number).limit(1).scalar_subquery()
    return (
        insert(SessionName)
        .values(conversation_id=conversation_id, session_id=free, run_id=run_id)
        .on_conflict_do_nothing(index_elements=[SessionName.conversation_id, SessionName.session_id])
        .returning(SessionName.session_id)
    )


def _is_another_run(conversation_id: UUID, wanted: str, run_id: UUID) -> ColumnElement[bool]:
    return exists().where(Run.subject_id == conversation_id, Run.id == id_in(wanted), Run.id != run_id)
