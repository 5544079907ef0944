"""Blocking calls on purpose, in a watched process only: whoever watches must name each of them, and its route.

FastAPI is made to look into each endpoint's source file at once: it would do so at the first request, on the loop.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI
from fastapi.routing import _extract_endpoint_context, iter_route_contexts
from tests.support.blocking_app import BLOCKERS

SHORT_SECONDS = 0.001


def add_planted_routes(app: FastAPI) -> None:
    """``GET /planted/NAME`` blocks as that blocker does; ``POST /planted?route=`` lets a real route block from now on."""
    for name, blocker in BLOCKERS.items():
        _add(app, "GET", f"/planted/{name}", _calling(blocker))

    async def plant(route: str) -> None:
        await asyncio.to_thread(plant_into, app, route)  # it looks into files

    _add(app, "POST", "/planted", plant)


def plant_into(app: FastAPI, route: str) -> None:
    """A sleep so short that nobody would notice, before what the route (``METHOD /path/{name}``) does."""
    method, _, path = route.partition(" ")
    context = next(
        one
        for one in iter_route_contexts(app.routes)
        if one.path_format == path and method in (one.methods or ())
    )
    real = context.dependant.call

    async def planted_sleep(**arguments: Any) -> Any:
        time.sleep(SHORT_SECONDS)  # noqa: ASYNC251  (planted)
        return await real(**arguments)

    _extract_endpoint_context(planted_sleep)
    context.dependant.call = planted_sleep


def _calling(blocker: Callable[[], object]) -> Callable[[], Awaitable[str]]:
    async def block() -> str:
        blocker()
        return "ok"

    return block


def _add(app: FastAPI, method: str, path: str, endpoint: Callable[..., Awaitable[Any]]) -> None:
    app.add_api_route(path, endpoint, methods=[method], include_in_schema=False)
    _extract_endpoint_context(
        endpoint
    )  # else FastAPI looks into the source file at the first request, on the loop
