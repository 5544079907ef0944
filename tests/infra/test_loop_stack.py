import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from types import CodeType
from typing import Any

import pytest
from tests.support import treacherous_stack

from riverrun.infra.loop_stack import (
    MOST_LINES,
    Call,
    Seen,
    blocking_line,
    both_ends_of,
    callback_name,
    calls_in,
    frames_of,
    without_collections,
)

WATCHER = "/srv/watcher.py"
OURS = Seen(compile("pass", "/srv/shop/orders.py", "exec"), 7)
OUR_LINE = "/srv/shop/orders.py:7 in <module>"


def code_of(filename: str, function: str = "call") -> CodeType:
    names: dict[str, Any] = {}
    exec(compile(f"def {function}(): pass", filename, "exec"), names)
    code: CodeType = names[function].__code__
    return code


def seen_at(filename: str) -> Seen:
    return Seen(code_of(filename), 1)


def test_a_stack_is_looked_at_without_a_crash_however_busy_its_thread_is() -> None:
    looking = subprocess.run(
        [sys.executable, treacherous_stack.__file__], capture_output=True, text=True, check=False
    )
    assert (looking.returncode, looking.stdout) == (0, "200000\n"), looking.stderr


def test_the_innermost_frame_comes_first_and_the_outermost_last() -> None:
    innermost, *others = frames_of(threading.get_ident())
    assert innermost.f_code is frames_of.__code__
    walked = [frame := sys._getframe()]
    while frame := frame.f_back:
        walked.append(frame)
    assert others == walked


def test_the_scopes_of_a_stack_come_innermost_first() -> None:
    def inside(scope: object) -> list[Call]:
        return calls_in(frames_of(threading.get_ident()))

    def outside(scope: object, call: Callable[[], Any]) -> Any:
        return call()

    inner, outer = {"type": "http", "path": "/inner"}, {"type": "http", "path": "/outer"}
    assert outside(outer, lambda: outside("no scope", lambda: outside({}, lambda: inside(inner)))) == [
        Call(inner),
        Call(outer),
    ]


def test_an_app_that_starts_or_ends_serves_no_request() -> None:
    def live(scope: object) -> list[Call]:
        return calls_in(frames_of(threading.get_ident()))

    assert live({"type": "lifespan"}) == []


def test_what_a_function_holds_is_not_kept_by_looking_at_it() -> None:
    class Held:
        """Something that may be forgotten."""

    def serve(scope: object) -> weakref.ref[Held]:
        held = Held()
        calls_in(frames_of(threading.get_ident()))
        seen = weakref.ref(held)
        del held
        return seen

    def outside(scope: object) -> Held | None:
        return serve(scope)()

    assert outside({"type": "http"}) is None


def test_a_thread_that_is_gone_has_no_frames() -> None:
    gone = threading.Thread(target=threading.get_ident)
    gone.start()
    gone.join()
    assert frames_of(gone.ident or 0) == []


def test_code_that_was_made_while_the_program_ran_is_nobodys_line() -> None:
    made = compile("pass", "<string>", "exec")
    ours = test_code_that_was_made_while_the_program_ran_is_nobodys_line.__code__
    assert (
        blocking_line((Seen(made, 1), Seen(ours, 7))) == f"tests/infra/test_loop_stack.py:7 in {ours.co_name}"
    )


@pytest.mark.parametrize(
    "library",
    [
        f"{sys.prefix}/lib/python3.11/site-packages/fastapi/routing.py",
        "/usr/lib/python3/dist-packages/requests/sessions.py",
        "/home/who/.local/lib/python3.12/site-packages/six.py",
        "/opt/dependencies/lib/python3.11/site-packages/psycopg/connection.py",
    ],
)
def test_what_is_installed_anywhere_is_no_line_of_the_application(library: str) -> None:
    assert blocking_line((seen_at(library), OURS)) == OUR_LINE


def test_an_application_that_is_installed_is_told_by_its_packages() -> None:
    folder = "/opt/venv/lib/python3.11/site-packages"
    stack = [
        seen_at(f"{folder}/{file}") for file in ("redis/client.py", "shop/orders.py", "shopping/cart.py")
    ]
    assert blocking_line(stack) == "redis/client.py:1 in call"
    assert blocking_line(stack, packages=("shop",)) == "shop/orders.py:1 in call"
    assert blocking_line(stack, packages=("shop.orders",)) == "shop/orders.py:1 in call"
    assert blocking_line(stack, packages=("shopping.cart", "other")) == "shopping/cart.py:1 in call"


def test_neither_who_watches_nor_who_called_him_is_named() -> None:
    library = seen_at(f"{sys.prefix}/lib/python3.11/site-packages/fastapi/encoders.py")
    watcher = seen_at(WATCHER)
    assert blocking_line((library, watcher), watcher=WATCHER) == "fastapi/encoders.py:1 in call"
    assert blocking_line((library, watcher, OURS), watcher=WATCHER) == "fastapi/encoders.py:1 in call"
    assert blocking_line((library, watcher, OURS, watcher), watcher=WATCHER) == OUR_LINE


def test_of_a_deep_stack_both_ends_are_kept() -> None:
    stack = tuple(Seen(OURS.code, line) for line in range(1_000))
    kept = both_ends_of(stack)
    assert [seen.line_number for seen in kept] == [*range(30), *range(970, 1_000)]
    assert both_ends_of(kept) == kept
    assert len(kept) == MOST_LINES


def test_a_task_of_anyio_has_the_name_of_what_it_was_given() -> None:
    anyio = "/opt/venv/lib/python3.11/site-packages/anyio/_backends/_asyncio.py"
    given = Seen(code_of("/srv/shop/orders.py", "follow"), 1)
    assert callback_name((OURS, given, seen_at(anyio))) == "follow"


def test_of_two_who_look_at_once_none_turns_collections_on_below_the_other() -> None:
    inside, leave, collects = threading.Event(), threading.Event(), list[bool]()

    def look() -> None:
        with without_collections():
            inside.set()
            leave.wait()
            collects.append(gc.isenabled())

    other = threading.Thread(target=look)
    with without_collections():
        other.start()
        inside.wait(0.2)  # in vain
    leave.set()
    other.join()
    assert (collects, gc.isenabled()) == ([False], True)
