"""The API: lifespan, middleware, routers; nothing else."""

import contextlib
import importlib
import socket
from collections import deque
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import uvicorn
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute, _extract_endpoint_context, _IncludedRouter
from sqlalchemy.orm import configure_mappers

from riverrun.api.api_document import describe_api
from riverrun.api.health_router import health_router
from riverrun.api.loop_router import loop_router
from riverrun.api.metrics import ApiMetrics
from riverrun.api.metrics_router import metrics_router
from riverrun.api.project_questions import project_questions_router
from riverrun.api.router import VERBS, api_router
from riverrun.auth.account_router import account_router
from riverrun.auth.api_keys_router import api_keys_router
from riverrun.auth.auth_router import auth_router
from riverrun.auth.invitations_router import invitations_router
from riverrun.auth.organisations_router import organisations_router
from riverrun.auth.principal import NOBODY
from riverrun.auth.providers_router import providers_router
from riverrun.auth.sso_providers import open_sso_providers
from riverrun.auth.sso_router import sso_router
from riverrun.auth.stream_watch import StreamWatch
from riverrun.conversations.links_router import links_router
from riverrun.conversations.reading_statements import (
    READABLE_RUNS,
    SOME_READABLE_RUNS,
    VIEWED_CONVERSATION,
    still_readable_runs,
)
from riverrun.infra.body_limit import BodyLimit
from riverrun.infra.celery_app import configure_celery, queue_name
from riverrun.infra.eventloop_monitor import EventLoopMonitor
from riverrun.infra.garbage import collect_calmly
from riverrun.infra.logs import configure_logs
from riverrun.infra.loop_report import LoopReport
from riverrun.infra.outside_client import tls_context
from riverrun.infra.pool_metrics import PoolMetrics
from riverrun.infra.problem_handlers import add_problem_handlers
from riverrun.infra.request_context import RequestContext
from riverrun.infra.request_counter import RequestCounter
from riverrun.infra.request_metrics import RequestMetrics
from riverrun.infra.request_spans import closing, request_spans
from riverrun.infra.resources import open_resources
from riverrun.infra.settings import Settings
from riverrun.infra.straight_read import DIALECT
from riverrun.infra.task_dispatch import TaskDispatcher
from riverrun.infra.tracing import open_tracing
from riverrun.infra.trailing_slash import TrailingSlash
from riverrun.infra.worker_readiness import QUEUES
from riverrun.notifications.email_helper import open_email_helper
from riverrun.notifications.mail_room import MailRoom
from riverrun.runs.event_log import AsyncEventLog
from riverrun.runs.outbox import Outbox
from riverrun.runs.queue_metrics import QueueMetrics
from riverrun.search.candidates import CANDIDATES
from riverrun.streaming.hand_over import HandOver
from riverrun.streaming.hub import StreamHub
from riverrun.streaming.reader_choice import choose_reader
from riverrun.streaming.redis_streaming import AsyncRedisStreamManager
from riverrun.streaming.run_log import RunLog
from riverrun.usage.statements import standing
from riverrun.usage.subscriptions import Subscriptions
from riverrun.web.web_router import web_router

ROUTERS = (
    health_router,
    loop_router,
    metrics_router,
    auth_router,
    sso_router,
    account_router,
    providers_router,
    invitations_router,
    organisations_router,
    api_keys_router,
    links_router,
    web_router,
)
GRACEFUL_SECONDS = 3


def create_app(settings: Settings | None = None) -> FastAPI:
    """The ASGI application; connects to nothing before its lifespan starts."""
    chosen = settings or Settings()
    celery = configure_celery(chosen)
    tls_context()
    loop_report, requests = LoopReport(), RequestMetrics()
    tracing = open_tracing(chosen, "api")

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with open_resources(chosen) as resources, closing(tracing, resources):
            streams = AsyncRedisStreamManager(resources.redis, ttl_seconds=chosen.stream_ttl_seconds)
            run_log = RunLog(streams, AsyncEventLog(resources.engine))
            hub = StreamHub(chosen.require_redis_url(), run_log, heartbeat_seconds=chosen.heartbeat_seconds)
            dispatcher = TaskDispatcher(celery, resources.broker)
            outbox = Outbox(resources.engine, dispatcher, lease_seconds=chosen.lease_seconds)
            subscriptions = Subscriptions(chosen.subscription_base_url, resources.engine)
            stream_watch = StreamWatch(resources.engine, still_readable_runs)
            queues = [queue_name(chosen, work) for work in QUEUES]
            metrics = ApiMetrics(
                requests=requests,
                loop=loop_report.metrics,
                pools=PoolMetrics(resources),
                streams=hub.metrics,
                queues=QueueMetrics(resources.engine, dispatcher, queues),
            )
            mails = MailRoom(open_email_helper(chosen))
            async with (
                open_sso_providers(chosen) as sso_providers,
                hub.running(),
                outbox.running(),
                mails.running(),
                subscriptions.running(),
                stream_watch.running(),
            ):
                with choose_reader(chosen, hub, run_log) as reader:
                    app.state.drains = (hub.drain, reader.drain)
                    yield {
                        "resources": resources,
                        "streams": streams,
                        "run_log": run_log,
                        "hub": hub,
                        "reader": reader,
                        "outbox": outbox,
                        "metrics": metrics,
                        "mails": mails,
                        "stream_watch": stream_watch,
                        "subscriptions": subscriptions,
                        "sso_providers": sso_providers,
                    }

    app = FastAPI(
        title="Riverrun",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=request_spans(tracing),
    )
    app.add_middleware(BodyLimit)
    app.add_middleware(TrailingSlash)
    app.add_middleware(HandOver)
    app.add_middleware(RequestContext)
    app.add_middleware(RequestCounter, metrics=requests)
    app.state.loop_report = loop_report
    app.add_middleware(
        EventLoopMonitor,
        report=loop_report,
        warn_ms=chosen.loop_warn_ms,
        packages=("riverrun",),
        says_server_timing=chosen.server_timing,
    )
    add_problem_handlers(app)
    for router in VERBS:
        app.include_router(router, prefix="/api/v1")
    for router in ROUTERS:
        app.include_router(router)
    app.include_router(api_router, prefix="/api/v2")
    app.openapi = describe_api(app)  # type: ignore[method-assign]
    for router in (*ROUTERS, *VERBS, project_questions_router):
        remember_sources(router)
    return app


def remember_sources(router: APIRouter) -> None:
    """Let FastAPI look its routes up in the source files now: it would do so at each one's first request, on the loop."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            _extract_endpoint_context(route.endpoint)


def build_routes(app: FastAPI) -> None:
    """Let FastAPI put the included routers' routes together now, and their document: it would do so on the loop.

    The routes take a third of a second in all, up to 50 ms at each router's first request; the document, which somebody is
    the first to ask for, 300 ms at a time.
    """
    for route in app.router.routes:
        if isinstance(route, _IncludedRouter):
            deque(route.effective_route_contexts(), maxlen=0)
    app.openapi()


def import_late_modules() -> None:
    """Let anyio import its asyncio half now: it would do so on the loop, 20 ms at the first request that asks for a session."""
    importlib.import_module("anyio._backends._asyncio")


def compile_statements() -> None:
    """Let SQLAlchemy look through the largest statements now: the first request that asks one would wait 10 ms for it."""
    for statement in (
        standing(NOBODY, None, date.min),
        VIEWED_CONVERSATION,
        READABLE_RUNS,
        SOME_READABLE_RUNS,
        CANDIDATES,
    ):
        statement.compile(dialect=DIALECT)


class DrainingServer(uvicorn.Server):
    """uvicorn that first sends the readers away with their positions, so that a restart takes seconds."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, then shut down as uvicorn does."""
        for drain in getattr(self._app.state, "drains", ()):
            drain()
        await super().shutdown(sockets)


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    configure_logs(settings.log_level)
    app = create_app(settings)
    build_routes(app)
    configure_mappers()
    import_late_modules()
    compile_statements()
    collect_calmly()
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )
    DrainingServer(config, app).run()
