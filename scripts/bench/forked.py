"""A process that begins as a copy of this one: what it needs is imported already, which is most of a server's start."""

import contextlib
import gc
import importlib
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, TextIO

POLL_SECONDS = 0.01
HANDLED = (signal.SIGTERM, signal.SIGINT)


class ForkedProcess:
    """``python -m module`` without a new interpreter; as much of ``subprocess.Popen`` as a ``Child`` uses.

    For runs that measure nothing, since it holds all the memory of this process. The module's ``serve`` gets the arguments.
    """

    def __init__(
        self, module: str, arguments: Sequence[str], environment: Mapping[str, str], log: Any
    ) -> None:
        importlib.import_module(module)
        commands, commands_in = os.pipe()
        answers_out, answers = os.pipe()
        streams = (commands, answers, log.fileno())
        sys.stdout.flush()
        sys.stderr.flush()
        self.returncode: int | None = None
        signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)  # no handler of ours runs in the copy
        self.pid = os.fork()
        if self.pid == 0:
            try:
                become(module, arguments, environment, streams)
            finally:
                os._exit(1)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
        os.close(commands)
        os.close(answers)
        self.stdin: TextIO = os.fdopen(commands_in, "w")
        self.stdout: TextIO = os.fdopen(answers_out)

    def poll(self) -> int | None:
        """Its exit code; none while it runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The same when it has ended.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        ends_at = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if ends_at is not None and time.monotonic() > ends_at:
                raise subprocess.TimeoutExpired("a forked process", timeout or 0.0)
            time.sleep(POLL_SECONDS)
        return code

    def send_signal(self, number: int) -> None:
        """Unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


def become(
    module: str, arguments: Sequence[str], environment: Mapping[str, str], streams: Sequence[int]
) -> NoReturn:
    """In the copy: be the program, and never come back to what the original was doing."""
    code = 1
    try:
        gc.freeze()  # what the original has open must not be closed here by its number, which means another file soon
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        for number in HANDLED:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
        os.environ.clear()
        os.environ.update(environment)
        sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
        sys.modules[module].serve(*arguments)
        code = 0
    except BaseException:
        traceback.print_exc()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)
