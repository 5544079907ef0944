"""A fake of what is outside: an OpenTelemetry collector on a real socket that keeps the spans that it gets."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.support.fake_json_server import FakeJsonServer, fake_json_server


@dataclass(frozen=True, slots=True)
class Told:
    """A span as it arrived; ids in hexadecimal."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    facts: dict[str, Any]
    began: int
    """Nanoseconds of Unix time, as ``ended``."""
    ended: int
    everything: str
    """All that is said of it, for whoever looks for what must not be."""


class FakeCollector:
    """Whatever a process sent so far."""

    def __init__(self, server: FakeJsonServer) -> None:
        self._server = server
        self.url = server.url

    @property
    def spans(self) -> list[Told]:
        """In the order of their ends, within each batch."""
        assert {asked.path for asked in self._server.asked} <= {"/v1/traces"}
        return [span for asked in self._server.asked for span in _spans_of(asked.body)]


@contextmanager
def fake_collector() -> Iterator[FakeCollector]:
    """The collector, until the block is left."""
    with fake_json_server() as server:
        server.body = b""
        yield FakeCollector(server)


def _spans_of(body: bytes) -> Iterator[Told]:
    for process in ExportTraceServiceRequest.FromString(body).resource_spans:
        service = _facts(process.resource.attributes)["service.name"]
        for scope in process.scope_spans:
            for span in scope.spans:
                yield Told(
                    service,
                    span.name,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    _facts(span.attributes),
                    span.start_time_unix_nano,
                    span.end_time_unix_nano,
                    str(span),
                )


def _facts(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}
