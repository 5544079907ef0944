"""OpenTelemetry spans of a process, sent to a collector when one is configured, and nothing at all when not.

The SDK is an extra (``riverrun[otel]``) and is imported only then. Its thread exports in batches, so that neither the loop nor a
run ever waits for the collector.
"""

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any
from uuid import UUID

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from riverrun.infra.settings import MissingSetting, Settings

W3C = TraceContextTextMapPropagator()


class Tracing:
    """The spans of one process. ``provider`` is for libraries that make spans of their own."""

    def __init__(self, provider: trace.TracerProvider, *, close: Callable[[], None] | None = None) -> None:
        self.provider = provider
        self.is_on = close is not None
        self._close = close
        self._tracer = provider.get_tracer("riverrun")

    @contextlib.contextmanager
    def span(
        self, name: str, *, traceparent: str | None = None, attributes: dict[str, Any] | None = None
    ) -> Iterator[trace.Span]:
        """A span around what is done meanwhile, in the trace of ``traceparent``, else in the one under way.

        An error that leaves it marks it as failed.
        """
        parent = W3C.extract({"traceparent": traceparent}) if traceparent else None
        with self._tracer.start_as_current_span(name, context=parent, attributes=attributes) as span:
            yield span

    def close(self) -> None:
        """Send what is left, for some seconds at most. Blocks."""
        if self._close is not None:
            self._close()


NO_TRACING = Tracing(trace.NoOpTracerProvider())


def require_sdk(settings: Settings) -> None:
    """Load what ``open_tracing`` will need: before a fork, so that no process of a pool has to.

    Raises:
        MissingSetting: a collector is configured, and the extra is not installed.
    """
    if settings.otlp_endpoint is None:
        return
    try:
        import_module("riverrun.infra.trace_export")
    except ModuleNotFoundError as error:
        raise MissingSetting(
            "RIVERRUN_OTLP_ENDPOINT is set: install what sends traces, `pip install 'riverrun[otel]'`"
        ) from error


def open_tracing(settings: Settings, part: str) -> Tracing:
    """The tracing of the ``api`` or of a ``worker`` process. Open it after a fork: it begins a thread when it is on.

    Raises:
        MissingSetting: as of ``require_sdk``.
    """
    require_sdk(settings)
    if settings.otlp_endpoint is None:
        return NO_TRACING
    from riverrun.infra.trace_export import exporting_provider, shut_down

    provider = exporting_provider(settings.otlp_endpoint, f"riverrun-{part}")
    return Tracing(provider, close=partial(shut_down, provider))


def begin_trace_of(run_id: UUID) -> str | None:
    """The request under way as a W3C ``traceparent``, for the run's row; its span learns the run. None when nobody traces."""
    span = trace.get_current_span()
    if not span.get_span_context().is_valid:
        return None
    span.set_attribute("riverrun.run_id", str(run_id))
    carrier: dict[str, str] = {}
    W3C.inject(carrier)
    return carrier.get("traceparent")
