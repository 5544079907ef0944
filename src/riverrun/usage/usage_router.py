"""Usage over HTTP: one's own, and for administrators everybody's and the limits."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query

from riverrun.auth.dependencies import CurrentAdministrator, CurrentPrincipal
from riverrun.infra.dependencies import AsyncDb, CurrentSettings
from riverrun.infra.plain_route import PlainRoute
from riverrun.kit.storable_text import StorableText
from riverrun.usage.dependencies import CurrentDays, CurrentUsage
from riverrun.usage.limit_service import LimitService
from riverrun.usage.models import HolderKind
from riverrun.usage.schemas import LimitChange, LimitView, UsageView, UserUsage

usage_router = APIRouter(prefix="/usage", tags=["usage"], route_class=PlainRoute)

Start = Annotated[int, Query(ge=0, le=1_000_000)]
Limit = Annotated[int, Query(ge=1, le=200)]
Holder = Annotated[StorableText, Path(description="An id; of a user also the e-mail address", max_length=320)]


@usage_router.get("")
async def get_usage(
    principal: CurrentPrincipal, db: AsyncDb, usage: CurrentUsage, days: CurrentDays
) -> UsageView:
    """What you have asked, this month unless told otherwise, and what is left of your limits."""
    return await usage.get_usage_data(principal, db, *days)


@usage_router.get("/usage")
async def get_usage_data(
    principal: CurrentPrincipal, db: AsyncDb, usage: CurrentUsage, days: CurrentDays
) -> UsageView:
    """The same under its older path."""
    return await usage.get_usage_data(principal, db, *days)


@usage_router.get("/users")
async def get_totals(
    _: CurrentAdministrator,
    db: AsyncDb,
    settings: CurrentSettings,
    days: CurrentDays,
    start: Start = 0,
    limit: Limit = 50,
) -> Sequence[UserUsage]:
    """What each user has asked, the most questions first. For administrators."""
    return await LimitService(db, settings).totals(days, start, limit)


@usage_router.get("/limits")
async def list_limits(
    _: CurrentAdministrator, db: AsyncDb, settings: CurrentSettings, start: Start = 0, limit: Limit = 50
) -> Sequence[LimitView]:
    """Every limit that was laid down for somebody. For administrators."""
    return await LimitService(db, settings).list(start, limit)


@usage_router.put("/limits/{kind}/{holder}", status_code=204)
async def put_limit(
    kind: HolderKind,
    holder: Holder,
    change: LimitChange,
    _: CurrentAdministrator,
    db: AsyncDb,
    settings: CurrentSettings,
) -> None:
    """Lay down what a user, key or organisation may ask; it replaces the earlier limit whole. For administrators."""
    await LimitService(db, settings).put(kind, holder, change)


@usage_router.delete("/limits/{kind}/{holder}", status_code=204)
async def remove_limit(
    kind: HolderKind, holder: Holder, _: CurrentAdministrator, db: AsyncDb, settings: CurrentSettings
) -> None:
    """Let a user, key or organisation have what everybody has. For administrators."""
    await LimitService(db, settings).remove(kind, holder)
