"""An app of whose blocking calls only the framework knows the way, and of some that it calls in threads."""

import functools
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import BackgroundTasks, Depends, FastAPI, Request, Response, WebSocket
from fastapi.responses import StreamingResponse
from starlette.endpoints import HTTPEndpoint
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.routing import Mount, Route

Next = Callable[[Request], Awaitable[Response]]


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    sqlite3.connect(":memory:")
    yield


app = FastAPI(lifespan=lifespan)


@app.middleware("http")
async def by_function_middleware(request: Request, call_next: Next) -> Response:
    sqlite3.connect(":memory:")
    return await call_next(request)


class ByDispatch(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: Next) -> Response:
        sqlite3.connect(":memory:")
        return await call_next(request)


app.add_middleware(ByDispatch)


def timed(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def blocking_wrapper(*arguments: Any, **options: Any) -> Any:
        sqlite3.connect(":memory:")
        return await function(*arguments, **options)

    return blocking_wrapper


@app.get("/wrapped")
@timed
async def by_wrapper() -> None:
    sqlite3.connect(":memory:")


mounted = FastAPI()
app.mount("/mounted", mounted)


@mounted.get("/route")
async def by_mounted_route() -> None:
    sqlite3.connect(":memory:")


@mounted.middleware("http")
async def by_mounted_middleware(request: Request, call_next: Next) -> Response:
    sqlite3.connect(":memory:")
    return await call_next(request)


@mounted.websocket("/socket")
async def by_mounted_socket(_: WebSocket) -> None:
    sqlite3.connect(":memory:")


async def by_plain_route(_: Request) -> Response:
    sqlite3.connect(":memory:")
    return Response()


class ByEndpoint(HTTPEndpoint):
    async def get(self, _: Request) -> Response:
        sqlite3.connect(":memory:")
        return Response()


app.routes.append(Mount("/plain", routes=[Route("/", by_plain_route), Route("/class", ByEndpoint)]))


def sync_dependency() -> Iterator[int]:
    sqlite3.connect(":memory:")
    yield 1


def sync_task() -> None:
    sqlite3.connect(":memory:")


async def by_task() -> None:
    sqlite3.connect(":memory:")


def sync_parts() -> Iterator[bytes]:
    sqlite3.connect(":memory:")
    yield b"part"


@app.get("/sync")
def sync_route(_: Annotated[int, Depends(sync_dependency)]) -> None:
    sqlite3.connect(":memory:")


@app.get("/stream")
async def innocent_stream() -> StreamingResponse:
    return StreamingResponse(sync_parts())


@app.get("/tasks")
async def innocent_tasks(tasks: BackgroundTasks) -> None:
    tasks.add_task(sync_task)
    tasks.add_task(by_task)


@app.exception_handler(ZeroDivisionError)
def sync_handler(_: Request, __: Exception) -> Response:
    sqlite3.connect(":memory:")
    return Response()


@app.exception_handler(KeyError)
async def by_handler(_: Request, __: Exception) -> Response:
    sqlite3.connect(":memory:")
    return Response()


namespace: dict[str, Any] = {"__name__": __name__}
exec("async def made_at_runtime(): ...", namespace)
app.add_api_route("/made-at-runtime", namespace["made_at_runtime"])

BLOCKING = {
    "lifespan",
    "by_function_middleware",
    "ByDispatch.dispatch",
    "timed.<locals>.blocking_wrapper",
    "by_wrapper",
    "by_mounted_route",
    "by_mounted_middleware",
    "by_mounted_socket",
    "by_plain_route",
    "ByEndpoint.get",
    "by_task",
    "by_handler",
}
"""All the functions of it that block the loop."""

NOT_IN_THE_SOURCE = "made_at_runtime"
