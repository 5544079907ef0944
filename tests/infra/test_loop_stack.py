import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

from tests.support import treacherous_stack

from riverrun.infra.loop_stack import Call, Seen, blocking_line, calls_in, frames_of


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
