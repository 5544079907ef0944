"""The stack of the loop's thread, as another thread sees it.

Frames are looked at and let go again while no other thread can run: a frame that outlives its call would take what it
holds down with it in the wrong thread.
"""

import asyncio
import gc
import inspect
import linecache
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, chain, islice, repeat
from operator import methodcaller
from types import CodeType, FrameType
from typing import NamedTuple

from starlette.types import Scope

from riverrun.infra.loop_source import is_of_the_application, shortened

MOST_LINES = 60
DEEPEST = 5_000
_COLLECTIONS = threading.RLock()
SUSPENDABLE = inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR
SCOPE = "scope"
"""What ASGI calls it, and nearly everybody."""
REQUESTS = ("http", "websocket")
HANDLE_RUN = asyncio.Handle._run.__code__
"""Each callback of an asyncio loop is called by it; uvloop calls them from C."""


ANYIO_TASKS = "/anyio/_backends/"
"""Each task of an anyio task group is a function from there."""


class Seen(NamedTuple):
    """A line of the stack."""

    code: CodeType
    line_number: int

    @property
    def line(self) -> str:
        """``file:number in function``."""
        return f"{shortened(self.code.co_filename)}:{self.line_number} in {self.code.co_qualname}"

    @property
    def line_with_text(self) -> str:
        """With what stands there."""
        text = linecache.getline(self.code.co_filename, self.line_number).strip()
        return f"{self.line}: {text}" if text else self.line


class Call(NamedTuple):
    """A function of the stack that was called with the ASGI scope of a request, and whose method it is, if it is one."""

    scope: Scope
    owner: object = None


def boundary_of_this_loop() -> CodeType:
    """The code below which a callback's frames begin. Call it in a task of the loop."""
    frame: FrameType | None = sys._getframe()
    boundary = HANDLE_RUN
    is_below_a_task = False
    while frame is not None:
        is_coroutine = bool(frame.f_code.co_flags & SUSPENDABLE)
        if is_below_a_task and not is_coroutine:
            boundary = frame.f_code
        is_below_a_task = is_coroutine
        frame = frame.f_back
    return boundary


def callback_frames(thread_id: int, boundary: CodeType) -> list[FrameType]:
    """The frames of the callback that the loop is in, the innermost first; none when it is in no callback."""
    frames = frames_of(thread_id)
    depth = next((depth for depth, frame in enumerate(frames) if frame.f_code is boundary), None)
    if depth is None:
        return []
    return frames[: depth + 1] if boundary is HANDLE_RUN else frames[:depth]


def frames_of(thread_id: int) -> list[FrameType]:
    """All frames of a thread, the innermost first.

    The frames below are read out of memory that the thread uses again when it goes on: it must not run before the last
    is read, or Python crashes. So all of them are fetched by C code in a single call, which gives the interpreter to
    nobody, and without a garbage collection, whose finalizers would.
    """
    innermost = map(methodcaller("get", thread_id), iter(sys._current_frames, None))
    back_and_back = accumulate(chain(islice(innermost, 1), repeat("f_back", DEEPEST)), getattr)
    frames: deque[FrameType] = deque()
    with without_collections():
        try:
            frames.extend(back_and_back)
        except AttributeError:  # the outermost has none behind it
            frames.pop()
    return list(frames)


def seen_in(frames: list[FrameType]) -> tuple[Seen, ...]:
    """What can be kept of frames."""
    return tuple(Seen(frame.f_code, frame.f_lineno or 0) for frame in frames)


def both_ends_of(stack: tuple[Seen, ...]) -> tuple[Seen, ...]:
    """As much as is worth telling: where a deep recursion came from, and where it has got to."""
    half = MOST_LINES // 2
    return stack if len(stack) <= MOST_LINES else stack[:half] + stack[-half:]


def calls_in(frames: list[FrameType]) -> list[Call]:
    """The calls with the scope of a request: the innermost, which knows most, and the outermost.

    Ask without collections, as long as the thread cannot have gone on.
    """
    asked = [frame for frame in frames if SCOPE in frame.f_code.co_varnames[: frame.f_code.co_argcount]]
    ends = (next(filter(None, map(_call_of, some)), None) for some in (asked, reversed(asked)))
    return [call for call in ends if call is not None]


def _call_of(frame: FrameType) -> Call | None:
    """Python copies what a function holds, and keeps that with its frame: emptied at once, lest all lives as long as that."""
    held = frame.f_locals
    scope, owner = held.get(SCOPE), held.get("self")
    if type(held) is dict:
        held.clear()
    if isinstance(scope, dict) and scope.get("type") in REQUESTS:
        return Call(scope, owner)
    return None


@contextmanager
def without_collections() -> Iterator[None]:
    """What they would free may let other threads run. One watchdog at a time: none must turn on again what another has turned off."""
    with _COLLECTIONS:
        collects = gc.isenabled()
        gc.disable()
        try:
            yield
        finally:
            if collects:
                gc.enable()


def blocking_line(stack: Sequence[Seen], packages: Sequence[str] = (), watcher: str = "") -> str:
    """The innermost line of the application, or else the innermost of all.

    ``packages`` are the application's, wherever they are installed. ``watcher`` is the file of whoever stands between server and
    application to ask this: neither that nor what is outside of it is the application.
    """
    files = [seen.code.co_filename for seen in stack]
    watched = max((depth for depth, file in enumerate(files) if file == watcher), default=len(stack))
    own = (
        seen
        for seen, file in zip(stack[:watched], files, strict=False)
        if file != watcher and is_of_the_application(file, packages)
    )
    return next(own, stack[0]).line if stack else ""


def callback_name(stack: Sequence[Seen]) -> str:
    """The outermost function that the loop called, or that anyio called for it."""
    called = [seen.code for seen in stack if not _only_calls_others(seen.code)] or [HANDLE_RUN]
    return called[-1].co_qualname


def _only_calls_others(code: CodeType) -> bool:
    return code is HANDLE_RUN or ANYIO_TASKS in code.co_filename
