"""This process in figures, for a Prometheus server that knows the token, and for administrators."""

from secrets import compare_digest
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from riverrun.api.metrics import ApiMetrics
from riverrun.auth.dependencies import bearer_of, get_principal
from riverrun.infra.dependencies import AsyncDb, CurrentSettings
from riverrun.infra.metrics_text import CONTENT_TYPE, written
from riverrun.kit.problem import NotFound


async def admit_scraper(request: Request, settings: CurrentSettings, db: AsyncDb) -> None:
    """Let in who sends the operator's token, without a look into the database, and administrators.

    Raises:
        NotSignedIn: no token, or one that opens nothing.
        NotFound: not an administrator.
    """
    token = settings.metrics_token
    if token is not None and compare_digest(bearer_of(request).encode(), token.get_secret_value().encode()):
        return
    if not (await get_principal(request, db)).is_administrator:
        raise NotFound


async def get_metrics(request: Request) -> ApiMetrics:
    """The process's figures."""
    metrics: ApiMetrics = request.state.metrics
    return metrics


metrics_router = APIRouter(
    prefix="/-", tags=["operations"], dependencies=[Depends(admit_scraper, scope="function")]
)


@metrics_router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def show_metrics(metrics: Annotated[ApiMetrics, Depends(get_metrics)]) -> Response:
    """All counts since the start of the process, and how full its pools and queues are, in Prometheus' text format."""
    return Response(await written(await metrics.families()), media_type=CONTENT_TYPE)
