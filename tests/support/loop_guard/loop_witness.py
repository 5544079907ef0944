"""The witness in a watched process: it writes down each route, each answer and each blocking call on the loop.

Nothing is held up: a blocking call goes on, and whoever reads the notes sees all there are. One note a line, as JSON:
``{"routes": [...], "socket_events": [...]}`` when the server is made, ``{"route": ..., "status": ...}`` an answer,
``{"blocking": ..., "route": ..., "line": ..., "stack": [...]}`` a call. A route is ``METHOD /path/{name}``, a socket's ``SOCKET /path``.

It needs blockbuster, FastAPI, uvicorn and riverrun, and nothing of the tests.
"""

import gc
import inspect
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from types import FrameType
from typing import Any

import uvicorn
from blockbuster import BlockBuster
from blockbuster.blockbuster import BlockBusterFunction
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.importer import import_from_string

from riverrun.infra.loop_stack import REQUESTS, Seen, blocking_line
from riverrun.infra.request_route import share_route, template_of

STACK_LINES = 20
SOCKET = "SOCKET"
SCOPE: ContextVar[Scope | None] = ContextVar("the request that this task serves", default=None)


class Notes:
    """A file to which the watched process adds lines, past the watch that is kept over it."""

    def __init__(self, path: str) -> None:
        self._write = os.write
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def add(self, **note: Any) -> None:
        self._write(self._file, json.dumps(note).encode() + b"\n")


class Witness:
    """Middleware outside of all: what was answered, by which route."""

    def __init__(self, app: ASGIApp, notes: Notes) -> None:
        self._app = app
        self._notes = notes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_and_note(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._notes.add(route=route_of(scope), status=message["status"])
            await send(message)

        if scope["type"] in REQUESTS:
            share_route(scope)
            SCOPE.set(scope)
        await self._app(scope, receive, send_and_note)


def watch_this_process(
    notes_path: str, packages: Sequence[str] = (), prepare: Callable[[Any], None] | None = None
) -> None:
    """From now on, and the application as soon as a server is made of it, in this process: not with workers or reloads.

    ``packages`` are the application's, if it is installed. ``prepare`` is given the application before it is served.
    """
    notes = Notes(notes_path)
    _watch_servers(notes, prepare)
    _watch_calls(notes, packages)


def _watch_servers(notes: Notes, prepare: Callable[[Any], None] | None) -> None:
    make = uvicorn.Config.__init__

    def make_watched(config: uvicorn.Config, app: Any, *given: Any, **settings: Any) -> None:
        served = import_from_string(app)
        if settings.pop("factory", False):
            served = served()
        notes.add(routes=sorted(routes_of(served)), socket_events=sorted(socket_events()))
        if prepare:
            prepare(served)
        make(config, Witness(served, notes), *given, **settings)

    uvicorn.Config.__init__ = make_watched  # type: ignore[method-assign]


def _watch_calls(notes: Notes, packages: Sequence[str]) -> None:
    watch = BlockBuster()
    for function in watch.functions.values():
        function.can_block_predicate = _noting(function, function.can_block_predicate, notes, packages)
    watch.activate()


def _noting(
    function: BlockBusterFunction, may_block: Callable[..., bool], notes: Notes, packages: Sequence[str]
) -> Callable[..., bool]:
    """Asked before each such call on a loop; whatever it writes down, the call may go on."""

    def note_and_let_go(*arguments: Any, **options: Any) -> bool:
        if may_block(*arguments, **options):
            return True
        frames = _frames_from(sys._getframe(2))
        if not _is_excused(function, frames):
            seen = tuple(Seen(frame.f_code, frame.f_lineno) for frame in frames)
            line = blocking_line(seen, packages, watcher=__file__)
            stack = traceback.format_stack(frames[0], limit=STACK_LINES)
            notes.add(blocking=function.full_name, route=route_of(SCOPE.get()), line=line, stack=stack)
        return True

    return note_and_let_go


def _frames_from(frame: FrameType | None) -> list[FrameType]:
    frames = []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames


def _is_excused(function: BlockBusterFunction, frames: list[FrameType]) -> bool:
    """Whether it was called by what is known to block for a good reason, such as an import."""
    return any(
        frame.f_code.co_filename.endswith(file) and frame.f_code.co_name in names
        for frame in frames
        for file, names in function.can_block_functions
    )


def routes_of(app: Any, prefix: str = "") -> Iterator[str]:
    """All that the application answers, hidden or not, wherever it is included or mounted.

    ``MOUNT /path`` is a mounted application that does not tell its routes.
    """
    for context in iter_route_contexts(getattr(app, "routes", ())):
        path = f"{prefix}{getattr(context, 'path_format', None) or context.path}"
        match context.route:
            case Mount(routes=[]):
                yield f"MOUNT {path}"
            case Mount():
                yield from routes_of(context.route, f"{prefix}{context.path}")
            case WebSocketRoute():
                yield f"{SOCKET} {path}"
            case _:
                yield from (f"{method} {path}" for method in (context.methods or ()) if method != "HEAD")


def socket_events() -> Iterator[str]:
    """``namespace event`` of what socket.io servers of this process listen to."""
    if (socketio := sys.modules.get("socketio")) is None:
        return
    for server in [one for one in gc.get_objects() if isinstance(one, socketio.AsyncServer)]:
        for namespace, handlers in server.handlers.items():
            yield from (f"{namespace} {event}" for event in handlers)
        for namespace, handler in server.namespace_handlers.items():
            methods = inspect.getmembers(handler, inspect.iscoroutinefunction)
            yield from (f"{namespace} {name[3:]}" for name, _ in methods if name.startswith("on_"))


def route_of(scope: Scope | None) -> str:
    """None outside of requests."""
    return f"{scope.get('method', SOCKET)} {template_of(scope)}" if scope else ""
