"""Who asks, and the one function through which every row of a tenant is read."""

from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.infra.database import Base
from riverrun.kit.problem import NotFound


@dataclass(frozen=True, slots=True)
class Principal:
    """The signed-in user of a request."""

    user_id: UUID
    email: str
    display_name: str
    is_administrator: bool


Row = TypeVar("Row", bound=Base)
"""A table whose rows belong to one user: it has the columns ``id`` and ``user_id``."""


def scoped(principal: Principal, model: type[Row]) -> Select[Row]:
    """All rows of ``model`` that the principal may see; narrow it further, never widen it."""
    return select(model).where(model.__table__.c.user_id == principal.user_id)


async def get_scoped(
    session: AsyncSession, principal: Principal, model: type[Row], row_id: UUID, *, lock: bool = False
) -> Row:
    """One row; ``lock`` keeps others from changing or deleting it, not from writing rows that belong to it.

    Raises:
        NotFound: there is none, or it is somebody else's; nobody can tell which.
    """
    statement = scoped(principal, model).where(model.__table__.c.id == row_id)
    row: Row | None = await session.scalar(statement.with_for_update(key_share=True) if lock else statement)
    if row is None:
        raise NotFound
    return row
