"""A fake of what is outside: a billing system on a real socket that names users' plans, or is out of order."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class FakeBilling(ThreadingHTTPServer):
    """Answers with ``status`` and ``body``; ``asked`` are the users it was asked about."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.body: Any = {"plan_type": "pro"}
        self.asked: list[str] = []

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/billing"


@contextmanager
def fake_billing() -> Iterator[FakeBilling]:
    """The billing system, until the block is left."""
    billing = FakeBilling()
    thread = threading.Thread(target=billing.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield billing
    finally:
        billing.shutdown()
        billing.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: FakeBilling

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path != "/billing/subscriptions/info":
            self.send_error(404)
            return
        self.server.asked += parse_qs(url.query)["user_id"]
        body = json.dumps(self.server.body).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the tests' output is not this server's."""
