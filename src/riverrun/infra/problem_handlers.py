"""Every error leaves as a problem document (RFC 9457), never as a traceback."""

import logging
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from riverrun.infra.path_methods import methods_of_path
from riverrun.kit.problem import (
    BadRequest,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    Problem,
    ServerFault,
    TryAgainLater,
)

OUTAGE_STATES = ("08", "53", "57P")
"""SQLSTATE classes of lost connections, exhausted resources and a server that shuts down or starts."""
CLIENT_GONE = 499
"""Nobody reads this answer; logs do."""
DISK_FULL = "53100"
"""SQLSTATE disk_full."""
DEADLOCK = "40P01"
"""SQLSTATE deadlock_detected: of two transactions in each other's way Postgres has undone this one."""

logger = logging.getLogger(__name__)


def respond(problem: Problem, extra_headers: dict[str, str] | None = None) -> Response:
    """A problem as a response."""
    headers = dict(extra_headers or {})
    if problem.status == 401:
        headers["www-authenticate"] = problem.challenge
    if problem.retry_after_seconds is not None:
        headers["retry-after"] = str(problem.retry_after_seconds)
    return _document(problem.status, problem.document(), headers)


def add_problem_handlers(app: FastAPI) -> None:
    """Answer problems, framework errors and outages in one form."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(ClientDisconnect, _on_client_gone)
    for outage in (SQLAlchemyError, RedisError, OSError):
        app.add_exception_handler(outage, _on_outage)
    app.add_exception_handler(Exception, _on_unforeseen)


async def _on_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return respond(error)


async def _on_invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    places = [
        {"where": ".".join(str(part) for part in item["loc"]), "what": item["msg"]} for item in error.errors()
    ]
    summary = "; ".join(f"{place['where']}: {place['what']}" for place in places[:5])
    return respond(InvalidRequest(summary, errors=places))


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return respond(NotFound())
    if error.status_code == 400:
        return respond(BadRequest(f"{str(error.detail).removesuffix('.')}."))
    if error.status_code == 405:
        allowed = ", ".join(methods_of_path(request))
        return respond(MethodNotAllowed(f"Allowed here: {allowed}."), {"allow": allowed})
    document = {
        "type": "about:blank",
        "title": HTTPStatus(error.status_code).phrase,
        "status": error.status_code,
        "detail": str(error.detail),
    }
    return _document(error.status_code, document, dict(error.headers or {}))


async def _on_client_gone(_: Request, error: Exception) -> Response:
    """Whoever hangs up in the middle of a body breaks nothing."""
    assert isinstance(error, ClientDisconnect)
    return Response(status_code=CLIENT_GONE)


async def _on_outage(request: Request, error: Exception) -> Response:
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    if state == DEADLOCK:
        logger.warning("%s made way: %s", _in_one_line(request), error)
        return respond(
            TryAgainLater("This stood in another request's way, and was undone. Nothing was lost.")
        )
    if isinstance(error, SQLAlchemyError) and not _is_outage(error):
        return await _on_unforeseen(request, error)
    logger.warning("%s: a server is away: %s", _in_one_line(request), error)
    if state == DISK_FULL:
        return respond(TryAgainLater("The database's disk is full: make room on it. Nothing was lost."))
    return respond(TryAgainLater("A server behind this one cannot be reached now. Nothing was lost."))


async def _on_unforeseen(request: Request, error: Exception) -> Response:
    logger.error("%s broke", _in_one_line(request), exc_info=error)
    return respond(ServerFault("This is a fault of the server; its log says more under this request's id."))


def _in_one_line(request: Request) -> str:
    """What was asked, quoted again: a caller may put control characters into a path, and so draw over the log."""
    return f"{request.method} {quote(request.scope['path'])}"


def _is_outage(error: SQLAlchemyError) -> bool:
    if isinstance(error, DBAPIError):
        if error.connection_invalidated or type(error).__name__ in ("OperationalError", "InterfaceError"):
            return True
        return str(getattr(error.orig, "sqlstate", None)).startswith(OUTAGE_STATES)
    return type(error).__name__ == "TimeoutError"


def _document(status: int, document: dict[str, Any], headers: dict[str, str]) -> Response:
    return Response(
        orjson.dumps(document), status_code=status, headers=headers, media_type="application/problem+json"
    )
