"""The product's own server in one of its forms: the same routers and services over another set of drivers.

``python -m bench.arms.serve riverrun|plan|threads|blocking|unwatched``, with the settings in the environment; says ``ready``
when it serves. The seams are names in ``infra`` and ``main``: nothing in the product knows of the arms.
"""

import contextlib
import sys
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

import riverrun.auth.sso_providers
import riverrun.infra.dependencies
import riverrun.infra.resources
import riverrun.infra.straight_read
from bench.arms.adapted_database import AdaptedEngine, adapted_first, adapted_session
from bench.arms.adapted_outside import AdaptedOutsideClient
from bench.arms.adapted_redis import AdaptedRedis
from bench.arms.adapted_streams import adapted_reader
from bench.arms.probe import Probe
from bench.arms.ways import WAYS, Way, widen_default_pool
from bench.command_lines import answer
from riverrun import main
from riverrun.infra.database import open_engine
from riverrun.infra.redis_clients import open_redis
from riverrun.infra.settings import Settings

POOL_SIZE = 20
"""All of them kept: as the native engine's."""


def adapt(settings: Settings, way: Way) -> None:
    """Put sync drivers under everything, each call of which goes ``way``."""
    resources: Any = riverrun.infra.resources
    resources.open_async_engine = lambda url: AdaptedEngine(
        open_engine(url, pool_size=POOL_SIZE, max_overflow=0), way
    )
    resources.open_async_redis = lambda url: AdaptedRedis(open_redis(url), way)
    dependencies: Any = riverrun.infra.dependencies
    dependencies.AsyncSession = adapted_session
    reads: Any = riverrun.infra.straight_read
    reads.StraightRead.first = adapted_first
    providers: Any = riverrun.auth.sso_providers
    providers.OutsideClient = partial(AdaptedOutsideClient, way)
    product: Any = main
    product.choose_reader = lambda settings, hub, run_log: adapted_reader(settings, way)


def observed(create: Any, arm: str, settings: Settings) -> FastAPI:
    """The application, which starts a probe on its loop and says when it is ready."""
    app: FastAPI = create(settings)
    lifespan = app.router.lifespan_context

    @contextlib.asynccontextmanager
    async def watched(of: FastAPI) -> AsyncIterator[Any]:
        async with lifespan(of) as state:
            if arm == "threads":
                widen_default_pool()
            Probe().start()
            answer("ready")
            yield state

    app.router.lifespan_context = watched
    return app


def unwatched(app: ASGIApp, **_: object) -> ASGIApp:
    """In the monitor's place: nothing."""
    return app


def serve(arm: str) -> None:
    """Serve until SIGTERM."""
    settings = Settings()
    if arm in WAYS:
        adapt(settings, WAYS[arm])
    if arm == "unwatched":
        product: Any = main
        product.EventLoopMonitor = unwatched
    main.create_app = partial(observed, main.create_app, arm)
    main.serve(settings)


if __name__ == "__main__":
    serve(sys.argv[1])
