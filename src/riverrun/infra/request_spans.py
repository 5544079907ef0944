"""The span of each request of the API, from its head to the last byte of its answer: the framework makes it."""

import contextlib
from collections.abc import AsyncIterator

from fastapi.telemetry import TelemetryConfig

from riverrun.infra.resources import Resources
from riverrun.infra.tracing import Tracing


def request_spans(tracing: Tracing) -> TelemetryConfig:
    """One span a request, in the trace that its ``traceparent`` names; no metrics, which are ours, and no log of errors' words."""
    return {
        "tracer_provider": tracing.provider,
        "tracing": tracing.is_on,
        "metrics": False,
        "logs": False,
        "operation_spans": False,
        "auto_configure": False,
    }


@contextlib.asynccontextmanager
async def closing(tracing: Tracing, resources: Resources) -> AsyncIterator[None]:
    """Send the last spans when the app ends. That waits for the collector, and so not on the loop."""
    try:
        yield
    finally:
        if tracing.is_on:
            await resources.threads.run(tracing.close)
