"""Logs: one line an event, on standard error, with the id of the request or the run that it is about."""

import logging
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="-")
"""The id of the request that is served, for every line logged meanwhile."""

run_id: ContextVar[str | None] = ContextVar("run_id", default=None)
"""The id of the run that a worker performs, likewise."""

FORMAT = "%(asctime)s %(levelname)-7s %(name)s [%(about)s] %(message)s"


def configure_logs(level: str) -> None:
    """Set up the root logger of this process."""
    handler = logging.StreamHandler()
    handler.addFilter(_add_about)
    handler.setFormatter(logging.Formatter(FORMAT))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def _add_about(record: logging.LogRecord) -> bool:
    run = run_id.get()
    record.about = f"run {run}" if run else request_id.get()
    return True
