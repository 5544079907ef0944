"""A plain route answers as the framework's own would, whatever is asked of it, and calls things in the same order."""

import contextlib
import gc
import weakref
from collections.abc import AsyncIterator
from typing import Annotated

import httpx2
import pytest
from fastapi import APIRouter, BackgroundTasks, Cookie, Depends, FastAPI, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel

from riverrun.infra.plain_route import Answerer, PlainRoute


class Thing(BaseModel):
    """What is answered."""

    number: int
    words: list[str]
    hidden: str | None = None


class Refused(Exception):
    """What a dependency raises."""


def build(route_class: type[APIRoute]) -> tuple[FastAPI, list[str]]:
    """The same routes, twice: at the top, and behind a door."""
    told: list[str] = []

    async def open_for_the_call() -> AsyncIterator[str]:
        told.append("opened")
        try:
            yield "open"
        except BaseException as error:
            told.append(f"failed: {type(error).__name__}")
            raise
        finally:
            told.append("closed")

    async def open_for_the_request() -> AsyncIterator[str]:
        told.append("opened long")
        yield "long"
        told.append("closed long")

    Open = Annotated[str, Depends(open_for_the_call, scope="function")]

    async def who(request: Request, opened: Open, x_name: Annotated[str | None, Header()] = None) -> str:
        told.append(f"who {opened}")
        if x_name == "nobody":
            raise Refused
        return x_name or request.headers.get("user-agent", "")

    async def colour(opened: Open, colour: Annotated[str, Cookie()] = "none") -> str:
        told.append(f"colour {opened}")
        return colour

    async def door(request: Request, key: Annotated[str, Query()]) -> None:
        told.append(f"door {key}")
        request.state.key = key

    Who, Colour = Annotated[str, Depends(who)], Annotated[str, Depends(colour)]
    router = APIRouter(route_class=route_class)

    @router.get("/things/{number}")
    async def one(
        number: int, who: Who, colour: Colour, tag: Annotated[list[str] | None, Query(max_length=2)] = None
    ) -> Thing:
        told.append("one")
        return Thing(number=number, words=[who, colour, *(tag or [])])

    @router.get("/plainly", response_model_exclude_none=True)
    async def plainly() -> dict[str, object]:
        return {"number": 1, "words": [], "hidden": None}

    @router.get("/wrong", response_model=Thing)
    async def wrong(opened: Open) -> dict[str, object]:
        return {"number": "none"}

    @router.get("/raising")
    async def raising(opened: Open) -> Thing:
        raise Refused

    @router.get("/made", status_code=202, response_model=Thing)
    async def made(opened: Open) -> Response:
        return JSONResponse({"opened": opened}, status_code=203, headers={"x-made": "here"})

    @router.post("/posted", status_code=201)
    async def posted(who: Who) -> Thing:
        return Thing(number=2, words=[who])

    @router.post("/bodies")
    async def bodies(thing: Thing, who: Who) -> Thing:
        return thing

    @router.get("/later")
    async def later(tasks: BackgroundTasks, long: Annotated[str, Depends(open_for_the_request)]) -> Thing:
        tasks.add_task(told.append, "later")
        return Thing(number=3, words=[long])

    @router.get("/long")
    async def long(long: Annotated[str, Depends(open_for_the_request)], opened: Open) -> Thing:
        return Thing(number=4, words=[long, opened])

    @router.get("/sync")
    def sync() -> Thing:
        return Thing(number=5, words=[])

    app = FastAPI()
    app.include_router(router, prefix="/top")
    behind = APIRouter(dependencies=[Depends(door)])
    behind.include_router(router)
    app.include_router(behind, prefix="/behind")

    @app.exception_handler(Refused)
    async def refuse(_: Request, error: Exception) -> Response:
        told.append("answered")
        return JSONResponse({"refused": True}, status_code=403)

    return app, told


async def asked(
    route_class: type[APIRoute], method: str, path: str, headers: dict[str, str], body: object
) -> tuple[object, ...]:
    """All that can be seen of one request from outside and from inside."""
    app, told = build(route_class)
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://here") as client:
        answer = await client.request(method, path, headers=headers, json=body)
    return answer.status_code, dict(answer.headers), answer.text, told


REQUESTS = [
    ("GET", "/things/7", {}, None),
    ("GET", "/things/7?tag=a&tag=b", {"x-name": "ann", "cookie": "colour=red"}, None),
    ("GET", "/things/7?tag=a&tag=b&tag=c", {}, None),
    ("GET", "/things/seven", {}, None),
    ("GET", "/things/seven", {"x-name": "nobody"}, None),
    ("GET", "/things/7", {"x-name": "nobody"}, None),
    ("POST", "/things/7", {}, None),
    ("HEAD", "/things/7", {}, None),
    ("GET", "/plainly", {}, None),
    ("GET", "/wrong", {}, None),
    ("GET", "/raising", {}, None),
    ("GET", "/made", {}, None),
    ("POST", "/posted", {}, None),
    ("POST", "/bodies", {}, {"number": 1, "words": []}),
    ("POST", "/bodies", {}, {"number": 1}),
    ("GET", "/later", {}, None),
    ("GET", "/long", {}, None),
    ("GET", "/sync", {}, None),
    ("GET", "/nowhere", {}, None),
]


@pytest.mark.parametrize(("method", "path", "headers", "body"), REQUESTS)
@pytest.mark.parametrize("prefix", ["/top", "/behind"])
async def test_answers_are_the_frameworks(
    method: str, path: str, headers: dict[str, str], body: object, prefix: str
) -> None:
    for key in ("", "key=open"):
        full = f"{prefix}{path}{'&' if '?' in path else '?'}{key}"
        plain = await asked(PlainRoute, method, full, headers, body)
        assert plain == await asked(APIRoute, method, full, headers, body)


@pytest.mark.parametrize(
    ("method", "path", "is_plain"),
    [
        ("GET", "/top/things/7", True),
        ("GET", "/behind/things/7?key=a", True),
        ("GET", "/behind/things/7", False),
        ("GET", "/top/made", True),
        ("GET", "/top/plainly", True),
        ("POST", "/top/posted", True),
        ("GET", "/top/things/seven", False),
        ("GET", "/top/sync", False),
        ("GET", "/top/later", False),
        ("GET", "/top/long", False),
    ],
)
async def test_only_plain_requests_leave_the_frameworks_way(
    method: str, path: str, is_plain: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered: list[bool] = []
    given = Answerer.given

    def noted(self: Answerer, request: Request) -> list[object] | None:
        found = given(self, request)
        answered.append(found is not None)
        return found

    monkeypatch.setattr(Answerer, "given", noted)
    await asked(PlainRoute, method, path, {}, None)
    assert any(answered) == is_plain


async def test_what_an_app_overrides_is_called_instead() -> None:
    app, told = build(PlainRoute)

    async def somebody() -> str:
        return "somebody"

    who = next(
        dependency.call
        for context in app.router.routes[-1].effective_route_contexts()  # type: ignore[attr-defined]
        if context.path.endswith("/posted")
        for dependency in context.dependant.dependencies
        if dependency.name == "who"
    )
    app.dependency_overrides = {who: somebody}
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://here") as client:
        answer = await client.get("/top/things/7")
    assert answer.json()["words"] == ["somebody", "none"]
    assert "who open" not in told


async def test_an_error_that_a_dependency_keeps_to_itself_is_no_reason_to_begin_again() -> None:
    told: list[str] = []

    async def keeping() -> AsyncIterator[None]:
        with contextlib.suppress(Refused):
            yield

    app = FastAPI()
    router = APIRouter(route_class=PlainRoute)

    @router.get("/kept")
    async def kept(_: Annotated[None, Depends(keeping, scope="function")]) -> Thing:
        told.append("called")
        raise Refused

    app.include_router(router)
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://here") as client:
        assert (await client.get("/kept")).status_code == 500
    assert told == ["called"]


async def test_an_app_leaves_nothing_in_the_routers_that_it_included() -> None:
    router = APIRouter(route_class=PlainRoute)

    @router.get("/thing")
    async def thing() -> Thing:
        return Thing(number=1, words=[])

    async def served() -> weakref.ref[FastAPI]:
        app = FastAPI()
        app.include_router(router, prefix="/a")
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            assert (await client.get("/a/thing")).status_code == 200
        return weakref.ref(app)

    app = await served()
    gc.collect()
    assert app() is None
