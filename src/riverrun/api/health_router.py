"""Whether the process lives, and whether it can do its work."""

import asyncio
from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy import text

from riverrun.infra.dependencies import CurrentResources
from riverrun.infra.resources import Resources

health_router = APIRouter(prefix="/health", tags=["health"])

PATIENCE_SECONDS = 2.0


@health_router.get("/live")
async def live() -> dict[str, str]:
    """The loop turns."""
    return {"status": "ok"}


@health_router.get("/ready")
async def ready(resources: CurrentResources, response: Response) -> dict[str, Any]:
    """Postgres, the streams' server and the broker answer; 503 names those that do not."""
    checks = {
        "postgres": _ask_postgres(resources),
        "streams": resources.redis.ping(),
        "broker": resources.broker.ping(),
    }
    outcomes = await asyncio.gather(*(_passes(check) for check in checks.values()))
    servers = {name: "ok" if is_up else "unreachable" for name, is_up in zip(checks, outcomes, strict=True)}
    response.status_code = 200 if all(outcomes) else 503
    return {"status": "ok" if all(outcomes) else "unavailable", "servers": servers}


async def _ask_postgres(resources: Resources) -> None:
    async with resources.engine.connect() as connection:
        await connection.execute(text("SELECT 1"))


async def _passes(check: Any) -> bool:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await check
    except Exception:
        return False
    return True
