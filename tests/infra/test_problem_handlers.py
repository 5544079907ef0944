"""Whatever breaks, the answer is a problem document that says what to do, and no secret of the inside."""

import asyncpg
import httpx2
import pytest
from fastapi import APIRouter, FastAPI, HTTPException, Request
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError
from starlette.types import Message

from riverrun.infra.problem_handlers import CLIENT_GONE, add_problem_handlers
from riverrun.kit.problem import NotFound


def full_disk() -> OperationalError:
    return OperationalError("INSERT", {}, asyncpg.DiskFullError("could not extend file"))


def deadlock() -> DBAPIError:
    return DBAPIError("UPDATE", {}, asyncpg.DeadlockDetectedError("deadlock detected"))


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (NotFound(), 404, "nothing here"),
        (RedisConnectionError("10.0.0.7 refused"), 503, "cannot be reached"),
        (ConnectionRefusedError(111, "secret-host"), 503, "cannot be reached"),
        (full_disk(), 503, "disk is full"),
        (deadlock(), 503, "was undone"),
        (ProgrammingError("SELECT secret", {}, Exception("syntax")), 500, "fault of the server"),
        (KeyError("secret"), 500, "fault of the server"),
    ],
)
async def test_an_error_leaves_as_a_problem(error: Exception, status: int, words: str) -> None:
    app = FastAPI()
    add_problem_handlers(app)

    @app.get("/")
    async def fail() -> None:
        raise error

    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        response = await client.get("/")
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert words in response.json()["detail"]
    assert "secret" not in response.text
    assert ("retry-after" in response.headers) == (status == 503)


async def test_a_path_with_control_characters_is_logged_in_one_plain_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = FastAPI()
    add_problem_handlers(app)

    @app.get("/{rest:path}")
    async def fail(rest: str) -> None:
        raise KeyError(rest)

    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        await client.get("/a%0Dforged%1B%00")
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        "GET /a%0Dforged%1B%00 broke"
    ]


async def test_what_the_framework_says_is_the_detail() -> None:
    app = FastAPI()
    add_problem_handlers(app)

    @app.get("/")
    async def fail() -> None:
        raise HTTPException(400, "Missing boundary in multipart.")

    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        document = (await client.get("/")).json()
    assert document == {
        "type": "/problems/bad-request",
        "title": "The request cannot be read",
        "status": 400,
        "detail": "Missing boundary in multipart.",
    }


async def test_the_frameworks_own_errors_are_problems_too() -> None:
    app = FastAPI()
    add_problem_handlers(app)

    @app.get("/number/{number}")
    async def number(number: int) -> int:
        return number

    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        for method, path, status in (
            ("GET", "/nowhere", 404),
            ("POST", "/number/1", 405),
            ("GET", "/number/x", 422),
        ):
            response = await client.request(method, path)
            assert response.status_code == status
            assert response.headers["content-type"] == "application/problem+json"
            assert {"type", "title", "status"} <= response.json().keys()


async def test_a_refused_method_names_all_that_the_path_has() -> None:
    app, router = FastAPI(), APIRouter(prefix="/things")
    add_problem_handlers(app)

    @router.get("")
    @app.delete("/things")
    @router.post("/{number}")
    @router.put("/share")
    async def thing() -> None:
        """One for all."""

    app.include_router(router)
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        for path, methods in (
            ("/things", "DELETE, GET"),
            ("/things/share", "POST, PUT"),
            ("/things/1", "POST"),
        ):
            response = await client.patch(path)
            assert (response.status_code, response.headers["allow"]) == (405, methods)
            assert methods in response.json()["detail"]


async def test_a_client_that_hangs_up_in_mid_body_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI()
    add_problem_handlers(app)

    @app.post("/")
    async def read(request: Request) -> None:
        await request.body()

    parts = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])
    sent: list[Message] = []

    async def receive() -> Message:
        return next(parts)

    async def send(message: Message) -> None:
        sent.append(message)

    await app(
        {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": []}, receive, send
    )
    assert sent[0]["status"] == CLIENT_GONE
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
