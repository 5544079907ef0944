"""The witness of the proof, let into a process that serves somebody else's application, as the documentation says."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest
from tests.proofs.loop.loop_notes import LoopNotes
from tests.support.waiting import wait_until
from websockets.sync.client import connect

from riverrun.kit.free_port import free_port

GUARD = Path(__file__).parents[1] / "support" / "loop_guard"

LETS_IN = """
import sys

if "uvicorn" in " ".join(sys.orig_argv):
    from loop_witness import watch_this_process

    watch_this_process({notes!r})
"""

SHOP = """
import time
from fastapi import FastAPI, WebSocket

app = FastAPI()
mounted = FastAPI()
app.mount("/of/{who}", mounted)
app.mount("/files", lambda scope, receive, send: None)

@mounted.get("/orders/{number}")
async def order(number: int):
    time.sleep(0.01)
    return number

@app.websocket("/news/{room}")
async def news(socket: WebSocket, room: str):
    await socket.accept()
    time.sleep(0.01)
    await socket.close()

def make_app():
    return app
"""


@pytest.fixture(scope="module", params=[["shop:app"], ["--factory", "shop:make_app"]])
def notes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopNotes]:
    """Of a shop that was asked for an order, and for news."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.py").write_text(SHOP)
    (folder / "sitecustomize.py").write_text(LETS_IN.format(notes=str(folder / "notes")))
    port = free_port()
    serving = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", *request.param, "--port", str(port)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": f"{folder}:{GUARD}"},
    )
    try:
        wait_until(lambda: is_served(port) or serving.poll() is not None, 30, what="the shop")
        httpx2.get(f"http://127.0.0.1:{port}/of/acme/orders/7").raise_for_status()
        with connect(f"ws://127.0.0.1:{port}/news/hall") as socket:
            list(socket)
        yield LoopNotes.read(folder / "notes")
    finally:
        serving.kill()
        serving.wait()


def is_served(port: int) -> bool:
    with suppress(httpx2.TransportError):
        return httpx2.get(f"http://127.0.0.1:{port}/openapi.json").is_success
    return False


def test_nothing_is_added_to_an_application_unasked(notes: LoopNotes) -> None:
    paths = {route for route in notes.routes if not route.startswith(("GET /docs", "GET /redoc"))}
    assert paths == {
        "GET /openapi.json",
        "GET /of/{who}/orders/{number}",
        "GET /of/{who}/openapi.json",
        "GET /of/{who}/docs",
        "GET /of/{who}/docs/oauth2-redirect",
        "GET /of/{who}/redoc",
        "MOUNT /files/{path}",
        "SOCKET /news/{room}",
    }


def test_calls_in_mounted_applications_and_in_sockets_are_named_with_their_routes(notes: LoopNotes) -> None:
    slept = {(call.route, call.line) for call in notes.blocking_calls if call.name == "time.sleep"}
    assert slept == {
        ("GET /of/{who}/orders/{number}", "shop.py:12 in order"),
        ("SOCKET /news/{room}", "shop.py:18 in news"),
    }
    assert notes.succeeded("GET /of/{who}/orders/{number}")


def test_the_witness_names_itself_nowhere(notes: LoopNotes) -> None:
    """FastAPI looks into the source file of a route at its first request: no line of the application leads there."""
    assert [call for call in notes.blocking_calls if call.name == "os.stat"] != []
    assert not any("loop_witness.py" in call.line for call in notes.blocking_calls)
