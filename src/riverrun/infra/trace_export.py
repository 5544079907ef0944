"""Spans on their way to a collector, by the SDK: OTLP over HTTP, in batches, from a thread of the SDK's."""

import threading

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Status

DELAY_SECONDS = 1.0
"""How long a span waits for others, unless there are many."""
EXPORT_SECONDS = 2.0
"""How long the collector may take for a batch."""
CLOSE_SECONDS = 1.0
"""How long the end of a process waits for the last ones. The SDK's own limit is half a minute."""
UNTOLD = ("url.path", "url.query")
"""Paths and queries have secrets in them: share links, tokens of mails. The route's template says enough."""


class Discretion(SpanProcessor):
    """Takes out of the spans of libraries what nobody else is to know; comes before who exports them."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """When they are begun the framework has put it there already."""
        for name in UNTOLD:
            if span.attributes and name in span.attributes:
                span.set_attribute(name, "")

    def on_end(self, span: ReadableSpan) -> None:
        """That it failed is told; the error's words may be a user's."""
        span._status = Status(span.status.status_code)


def exporting_provider(endpoint: str, service: str) -> TracerProvider:
    """What makes spans and sends them to ``endpoint``; begins a thread. Sampling is as ``OTEL_TRACES_SAMPLER`` says, else all."""
    provider = TracerProvider(
        resource=Resource.create({"service.name": service}),
        shutdown_on_exit=False,
        span_limits=SpanLimits(max_events=0),  # exceptions, with their words and stacks
    )
    provider.add_span_processor(Discretion())
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_SECONDS)
    provider.add_span_processor(
        BatchSpanProcessor(
            exporter,
            schedule_delay_millis=1_000 * DELAY_SECONDS,
            export_timeout_millis=1_000 * EXPORT_SECONDS,
        )
    )
    return provider


def shut_down(provider: TracerProvider) -> None:
    """Send what is left, as far as it goes in time; a collector that hangs keeps no process from its end."""
    last = threading.Thread(target=provider.shutdown, name="last spans", daemon=True)
    last.start()
    last.join(CLOSE_SECONDS)
