"""What administrators lay down and look at: limits of holders, and totals by user."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.infra.settings import Settings
from riverrun.kit.problem import NotFound
from riverrun.usage import limit_statements
from riverrun.usage.errors import UnknownPlan
from riverrun.usage.models import HolderKind
from riverrun.usage.schemas import LimitChange, LimitView, UserUsage


class LimitService:
    """Works in the request's transaction; who calls it has seen to it that an administrator asks.

    A holder is named by its id, a user also by the e-mail address.
    """

    def __init__(self, session: AsyncSession, settings: Settings) -> None:
        self._session = session
        self._settings = settings

    async def totals(self, days: tuple[date, date], start: int, limit: int) -> Sequence[UserUsage]:
        """What each user has asked in these UTC days, the most questions first."""
        rows = await self._session.execute(limit_statements.totals_by_user(*days, start, limit))
        return [UserUsage.model_validate(row, from_attributes=True) for row in rows]

    async def list(self, start: int, limit: int) -> Sequence[LimitView]:
        """Every limit that was laid down."""
        rows = await self._session.execute(limit_statements.limits_with_names(start, limit))
        return [LimitView.of(row, name) for row, name in rows]

    async def put(self, kind: HolderKind, holder: str, change: LimitChange) -> None:
        """Lay a holder's limit down; it replaces the earlier one whole.

        Raises:
            NotFound: no such holder.
            UnknownPlan: no such plan.
        """
        if change.plan is not None and change.plan not in self._settings.plans:
            raise UnknownPlan(f"RIVERRUN_PLANS has: {', '.join(sorted(self._settings.plans)) or 'nothing'}.")
        holder_id = await self._holder_id(kind, holder)
        await self._session.execute(limit_statements.put_limit(kind, holder_id, change.model_dump()))

    async def remove(self, kind: HolderKind, holder: str) -> None:
        """Let a holder have what everybody has. Twice is once, and an id may be of a holder that is gone.

        Raises:
            NotFound: nobody has this e-mail address.
        """
        holder_id = _id_in(holder) or await self._holder_id(kind, holder)
        await self._session.execute(limit_statements.remove_limit(kind, holder_id))

    async def _holder_id(self, kind: HolderKind, holder: str) -> UUID:
        found: UUID | None = await self._session.scalar(
            limit_statements.holder_id_of(kind, _id_in(holder) or holder)
        )
        if found is None:
            raise NotFound
        return found


def _id_in(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None
