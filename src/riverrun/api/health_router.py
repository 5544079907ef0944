"""Whether the process lives, and whether it can do its work."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any

from fastapi import APIRouter, Request, Response

from riverrun.infra.dependencies import CurrentResources
from riverrun.infra.resources import Resources
from riverrun.infra.revision_reading import read_revision_async
from riverrun.infra.schema_revision import MisfitTables, require_fitting

health_router = APIRouter(prefix="/health", tags=["health"])

PATIENCE_SECONDS = 2.0
OK = "ok"

logger = logging.getLogger(__name__)


@health_router.head("/live", include_in_schema=False)
@health_router.get("/live")
async def live() -> dict[str, str]:
    """The loop turns."""
    return {"status": "ok"}


@health_router.head("/ready", include_in_schema=False)
@health_router.get("/ready")
async def ready(request: Request, resources: CurrentResources, response: Response) -> dict[str, Any]:
    """Postgres has this release's tables, the streams' server and the broker answer; 503 says which does not."""
    checks: dict[str, Awaitable[object]] = {
        "postgres": _see_fitting_tables(resources),
        "streams": resources.redis.ping(),
        "broker": resources.broker.ping(),
    }
    states = await asyncio.gather(*(_state_after(check) for check in checks.values()))
    servers = dict(zip(checks, states, strict=True))
    is_ready = all(state == OK for state in states)
    _log_change(request, servers)
    response.status_code = 200 if is_ready else 503
    return {"status": "ok" if is_ready else "unavailable", "servers": servers}


async def _see_fitting_tables(resources: Resources) -> None:
    async with resources.engine.connect() as connection:
        require_fitting(await read_revision_async(connection))


async def _state_after(check: Awaitable[object]) -> str:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await check
    except MisfitTables as error:
        return str(error)
    except Exception:
        return "unreachable"
    return OK


def _log_change(request: Request, servers: dict[str, str]) -> None:
    """What is wrong, once and not at each probe."""
    wrong = "; ".join(f"{name}: {state}" for name, state in servers.items() if state != OK)
    if wrong and wrong != getattr(request.app.state, "not_ready_because", ""):
        logger.warning("not ready: %s", wrong)
    request.app.state.not_ready_because = wrong
