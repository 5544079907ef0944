"""An app whose routes hide their blocking calls, each in another way; one that reads the source has to find them all."""

import asyncio
import contextlib
import hashlib
import http.client
import json
import socket
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Protocol, Self

import argon2
import redis
from fastapi import Depends, FastAPI, Request
from sqlalchemy import Engine, text
from starlette.types import ASGIApp, Receive, Scope, Send

from riverrun.infra.thread_bridge import ThreadBridge

HERE = Path(__file__)


class Cache:
    """Blocks in a method of what it holds."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def look_up(self, key: str) -> object:
        return self._client.get(key)


class Door:
    """Blocks when it is entered."""

    def __enter__(self) -> Self:
        sqlite3.connect(":memory:")
        return self

    def __exit__(self, *_: object) -> None: ...


class Rows:
    """Blocks when somebody goes through them."""

    def __iter__(self) -> Iterator[str]:
        yield from HERE.read_text()


class Lazy:
    """Blocks when it is asked for something that looks like a value."""

    @property
    def size(self) -> int:
        return HERE.stat().st_size


class Teller(Protocol):
    def tell(self) -> object: ...


class SilentTeller:
    def tell(self) -> object:
        return None


class BlockingTeller:
    def tell(self) -> object:
        return subprocess.run(["true"], check=True)


class Base:
    def work(self) -> None: ...


class Derived(Base):
    """Blocks where only its base is spoken of."""

    def work(self) -> None:
        socket.getaddrinfo("localhost", 80)


class Outermost:
    """Middleware that blocks."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        read_here()
        await self._app(scope, receive, send)


def read_here() -> None:
    open(HERE).close()


def load_here() -> object:
    with HERE.open() as file:
        return json.load(file)


def first() -> None:
    second()


def second() -> None:
    third()


def third() -> None:
    time.sleep(0)


def make_cache() -> Cache:
    return Cache(redis.Redis())


@contextlib.contextmanager
def fetched() -> Iterator[object]:
    yield urllib.request.urlopen("http://127.0.0.1:9/")


async def by_coroutine() -> None:
    hashlib.scrypt(b"secret", salt=b"salt", n=2, r=8, p=1)


async def depended_on() -> object:
    return load_here()


def call(function: Callable[[], object]) -> object:
    return function()


def hash_one(password: str) -> str:
    return argon2.PasswordHasher().hash(password)


def untyped(client: Any) -> object:
    return client.getresponse()


@contextlib.asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async def look() -> None:
        http.client.HTTPConnection("127.0.0.1").connect()

    task = asyncio.create_task(look())
    yield
    task.cancel()


async def handle(_: Request, __: Exception) -> Any:
    import_late()


def import_late() -> None:
    import wave  # noqa: F401


app = FastAPI(lifespan=lifespan, exception_handlers={ZeroDivisionError: handle})
app.add_middleware(Outermost)


@app.get("/deep")
async def deep() -> None:
    first()


@app.get("/method")
async def by_method() -> object:
    return make_cache().look_up("key")


@app.get("/context")
async def by_context() -> None:
    with Door():
        pass


@app.get("/generator-context")
async def by_generator_context() -> None:
    with fetched():
        pass


@app.get("/iteration")
async def by_iteration() -> None:
    for _ in Rows():
        pass


@app.get("/property")
async def by_property() -> int:
    return Lazy().size


@app.get("/protocol")
async def by_protocol() -> None:
    def tell(teller: Teller) -> None:
        teller.tell()

    tell(BlockingTeller())


@app.get("/subclass")
async def by_subclass() -> None:
    work: Base = Derived()
    work.work()


@app.get("/awaited")
async def by_awaited() -> None:
    await asyncio.gather(by_coroutine())


@app.get("/dependency")
async def by_dependency(answer: Annotated[object, Depends(depended_on)]) -> object:
    return answer


@app.get("/callback")
async def by_callback() -> object:
    return call(partial(hash_one, "secret"))


@app.get("/untyped")
async def by_name() -> object:
    return untyped(None)


@app.get("/engine")
async def by_attribute_of_state(request: Request) -> None:
    engine: Engine = request.state.engine
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))


HIDDEN = {
    "third": "time.sleep",
    "Cache.look_up": "redis.Redis.get",
    "Door.__enter__": "sqlite3.connect",
    "fetched": "urllib.request.urlopen",
    "Rows.__iter__": "pathlib.Path.read_text",
    "Lazy.size": "pathlib.Path.stat",
    "BlockingTeller.tell": "subprocess.run",
    "Derived.work": "socket.getaddrinfo",
    "by_coroutine": "hashlib.scrypt",
    "load_here": "json.load",
    "hash_one": "argon2.PasswordHasher.hash",
    "untyped": "?.getresponse",
    "by_attribute_of_state": "sqlalchemy.Engine.connect",
    "read_here": "open",
    "lifespan.<locals>.look": "http.client.HTTPConnection.connect",
    "import_late": "import",
}
"""Function to what it blocks in."""


@app.get("/innocent")
async def innocent() -> object:
    """All of these look like it, and none of them blocks the loop."""
    bridge = ThreadBridge()
    await asyncio.sleep(0)
    await bridge.run(in_a_thread, "secret")
    await asyncio.get_running_loop().run_in_executor(None, in_a_thread, "secret")
    return [SilentTeller().tell(), HERE.name, HERE / "name", "a b".strip()]


def in_a_thread(_: str) -> None:
    time.sleep(0)


def uncalled() -> None:
    time.sleep(0)


INNOCENT = {"innocent", "in_a_thread", "uncalled", "SilentTeller.tell"}
