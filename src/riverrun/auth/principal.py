"""Who asks, and the one function through which every row of a tenant is read."""

from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped

from riverrun.kit.problem import NotFound


@dataclass(frozen=True, slots=True)
class Principal:
    """The signed-in user of a request."""

    user_id: UUID
    email: str
    display_name: str
    is_administrator: bool


class Owned(Protocol):
    """A table whose rows belong to one user."""

    id: Mapped[UUID]
    user_id: Mapped[UUID]


Row = TypeVar("Row", bound=Owned)


def scoped(principal: Principal, model: type[Row]) -> Select[Row]:
    """All rows of ``model`` that the principal may see; narrow it further, never widen it."""
    return select(model).where(model.user_id == principal.user_id)


async def get_scoped(
    session: AsyncSession, principal: Principal, model: type[Row], row_id: UUID, *, lock: bool = False
) -> Row:
    """One row.

    Raises:
        NotFound: there is none, or it is somebody else's; nobody can tell which.
    """
    statement: Select[Any] = scoped(principal, model).where(model.id == row_id)
    row: Row | None = await session.scalar(statement.with_for_update() if lock else statement)
    if row is None:
        raise NotFound
    return row
