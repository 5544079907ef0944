"""An app that blocks its loop in every way we know of. Each blocker lasts 400 ms at least, on any machine, and says where it blocks."""

import ctypes
import hashlib
import http.client
import inspect
import json
import math
import os
import re
import socket
import sqlite3
import sys
import tempfile
import threading
import time
import timeit
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest import mock

import redis
from fastapi import FastAPI

WAIT_SECONDS = 0.4
SWITCH_SECONDS = 0.05
BLOCKED_HERE = "# the loop is blocked here"
HOPELESS = r"(a+)+$"
LARGE_JSON = json.dumps([{"name": f"n{number}", "size": number / 7} for number in range(150_000)])

app = FastAPI()
BLOCKERS: dict[str, Callable[[], object]] = {}


def blocker(function: Callable[[], object]) -> Callable[[], object]:
    """Give it a route."""

    @app.get(f"/block/{function.__name__}/{{run_id}}")
    async def block(run_id: str) -> str:
        function()
        return "ok"

    BLOCKERS[function.__name__] = function
    return function


def blocked_line(name: str) -> int:
    """Where the loop is when this blocker blocks it."""
    lines, first = inspect.getsourcelines(BLOCKERS[name])
    return first + next(place for place, line in enumerate(lines) if BLOCKED_HERE in line)


@contextmanager
def stalled_peer() -> Iterator[int]:
    """A fake of what is outside: it takes connections, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextmanager
def patient_threads() -> Iterator[None]:
    """Who lets the interpreter go asks for it again a little later: the few lines of a look can take a busy machine 5 ms."""
    usual_seconds = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(usual_seconds)


def again_and_again() -> Iterator[None]:
    """Until it has lasted long enough."""
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        yield


def letters_that_last() -> int:
    """For how many the hopeless pattern is tried long enough: each takes twice as long as the one before it."""
    few = 16
    seconds = min(timeit.repeat(lambda: re.match(HOPELESS, "a" * few + "b"), number=1, repeat=5))
    return few + math.ceil(math.log2(WAIT_SECONDS / seconds))


LETTERS = letters_that_last()


@blocker
def sleep() -> None:
    time.sleep(WAIT_SECONDS)  # the loop is blocked here


@blocker
def sync_redis() -> None:
    with stalled_peer() as port, suppress(redis.TimeoutError):
        client = redis.Redis(port=port, socket_timeout=WAIT_SECONDS, retry=None)
        client.get("key")  # the loop is blocked here


@blocker
def sync_http() -> None:
    with stalled_peer() as port, suppress(TimeoutError):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_SECONDS)
        connection.request("GET", "/")
        connection.getresponse()  # the loop is blocked here


@blocker
def locked_sqlite() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/one.db"
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        other = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)
        with suppress(sqlite3.OperationalError):
            other.execute("BEGIN EXCLUSIVE")  # the loop is blocked here
        other.close()
        holder.close()


@blocker
def slow_file() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipe"
        os.mkfifo(path)
        writer = threading.Timer(WAIT_SECONDS, path.write_text, ["at last"])
        writer.start()
        path.read_text()  # the loop is blocked here
        writer.join()


@blocker
def password_hash() -> None:
    for _ in again_and_again():
        hashlib.scrypt(b"secret", salt=b"salt", n=2**14, r=8, p=16)  # the loop is blocked here


@blocker
def large_json() -> None:
    for _ in again_and_again():
        json.loads(LARGE_JSON)  # the loop is blocked here


@blocker
def slow_regex() -> None:
    """In one call that never lets the interpreter go."""
    with patient_threads():
        re.match(HOPELESS, "a" * LETTERS + "b")  # the loop is blocked here


@blocker
def slow_resolver() -> None:
    with mock.patch.object(socket, "getaddrinfo", stalled_getaddrinfo()), suppress(OSError):
        socket.create_connection(("stalled.example", 80))  # the loop is blocked here


@app.get("/quick")
async def quick() -> str:
    """Nearly nothing."""
    return "ok"


@app.get("/compute")
async def compute() -> str:
    """30 ms of the loop thread's CPU."""
    until = time.thread_time() + 0.03
    while time.thread_time() < until:
        pass
    return "ok"


def stalled_getaddrinfo() -> Callable[..., object]:
    """A fake of what is outside: a name server that does not answer, waited for in libc, below Python's own module."""
    names: dict[str, Any] = {
        "usleep": ctypes.CDLL(None).usleep,
        "microseconds": int(WAIT_SECONDS * 1_000_000),
    }
    code = "def getaddrinfo(*_):\n    usleep(microseconds)\n    raise OSError"
    exec(compile(code, socket.__file__, "exec"), names)
    stalled: Callable[..., object] = names["getaddrinfo"]
    return stalled
