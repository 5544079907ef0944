"""A worker's figures on a port of its own, served by threads of its main process, which has nothing else to do."""

import logging
import socket
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import compare_digest
from typing import Any

from prometheus_client import Metric

from riverrun.infra.metrics_text import CONTENT_TYPE, written_at_once

PATH = "/metrics"
PATIENCE_SECONDS = 5
MOST_AT_ONCE = 8
"""Threads beside Celery's consumer; whoever comes beyond them is sent away unheard."""

logger = logging.getLogger(__name__)


class MetricsServer(ThreadingHTTPServer):
    """Answers ``GET /metrics`` for whoever sends ``token``.

    Raises:
        OSError: the port is taken.
    """

    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], token: str, families: Callable[[], Iterable[Metric]]
    ) -> None:
        self.token = token
        self.families = families
        self._free = threading.BoundedSemaphore(MOST_AT_ONCE)
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """In a thread, if there is one left."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """To its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def is_let_in(self, authorization: str) -> bool:
        """Whether the header's token is ours."""
        return compare_digest(authorization.encode(), f"Bearer {self.token}".encode())


class _Handler(BaseHTTPRequestHandler):
    """One request; a client that says nothing is left after a while."""

    server: MetricsServer
    timeout = PATIENCE_SECONDS

    def do_GET(self) -> None:
        """The figures, or no more than a status."""
        if not self.server.is_let_in(self.headers.get("authorization", "")):
            self._answer(HTTPStatus.UNAUTHORIZED, b"")
        elif self.path != PATH:
            self._answer(HTTPStatus.NOT_FOUND, b"")
        else:
            self._answer(HTTPStatus.OK, written_at_once(self.server.families()))

    def _answer(self, status: HTTPStatus, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Scrapes are not worth a line of log each."""
