"""The parent's side of a guard: a child process that ends when we end, even by ``kill -9``."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from riverrun.embedded import guard
from riverrun.embedded.data_folder import unusable
from riverrun.embedded.errors import EmbeddedError

KILL_MARGIN_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Account:
    """The user a child runs as instead of us. ``keep_file_access``: closed folders on its way must not stop it."""

    user: int
    group: int
    keep_file_access: bool


class GuardedProcess:
    """A running child. Its end can be waited for, asked for or forced.

    Its output goes to a log file, or to ``output`` when it ``is_read``, or else where ours goes.

    ``pid`` is the child's own, not the guard's. ``keep_open`` are file descriptors that stay open in the child as well
    (locks, which thereby last exactly as long as it does).
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log_path: Path | None = None,
        is_read: bool = False,
        input_path: Path | None = None,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        grace_seconds: float = 5.0,
        account: Account | None = None,
        keep_open: Sequence[int] = (),
    ) -> None:
        self.log_path = log_path
        self.grace_seconds = grace_seconds
        options = [f"--stop-signal={stop_signal.value}", f"--grace-seconds={grace_seconds}"]
        if input_path is not None:
            options.append(f"--input={input_path}")
        if account is not None:
            options += [f"--user={account.user}", f"--group={account.group}"]
            options += ["--keep-file-access"] if account.keep_file_access else []
        with open_log(log_path) if log_path else nullcontext() as log:
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", guard.__file__, *options, "--", *map(str, command)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE if is_read else log,
                bufsize=0,
                env=None if environment is None else dict(environment),
                cwd=folder,
                start_new_session=True,  # Ctrl-C in the terminal is for us; we pass it on in our own order.
                pass_fds=tuple(keep_open),
            )
        self.pid = self._read_pid()

    def _read_pid(self) -> int:
        assert self._guard.stdout is not None
        with self._guard.stdout as report:
            line = report.readline()
        if not line:
            self.ask_to_stop()
            self._guard.wait()
            raise EmbeddedError(f"A guard process could not start; see {self.log_path or 'above'}.")
        return int(line)

    @property
    def output(self) -> IO[bytes]:
        """What the child says, of one that is read; at its end nobody of its group is left."""
        assert self._guard.stderr is not None
        return self._guard.stderr

    @property
    def returncode(self) -> int | None:
        """The child's exit status, 128 + n after signal n; none while it runs."""
        status = self._guard.poll()
        if status is None:
            return None
        self.ask_to_stop()  # Nobody is left to ask: this closes our end of the pipe.
        if status >= 0:
            return status
        self._kill_group()  # The guard itself was killed; what it guarded must not stay.
        return 128 - status

    def wait(self, timeout_seconds: float | None = None) -> int:
        """Wait for the end. Raises ``TimeoutError`` when it does not come in time."""
        try:
            self._guard.wait(timeout_seconds)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"process {self.pid} is still running") from error
        status = self.returncode
        assert status is not None
        return status

    def ask_to_stop(self) -> None:
        """Send the stop signal and return at once; after the grace the guard kills whatever is left."""
        assert self._guard.stdin is not None
        self._guard.stdin.close()

    def stop(self) -> int:
        """Ask, and wait for the end."""
        self.ask_to_stop()
        return self.wait(self.grace_seconds + KILL_MARGIN_SECONDS)

    def kill(self) -> None:
        """End the child and its group now, without a word."""
        assert self._guard.stdin is not None
        if not self._guard.stdin.closed:
            with suppress(BrokenPipeError):
                self._guard.stdin.write(guard.KILL_NOW)
            self._guard.stdin.close()
        elif self.returncode is None:
            self._kill_group()

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def log_tail(self, lines: int = 12) -> str:
        """The last lines of what the child said into its log."""
        if self.log_path is None:
            return ""
        try:
            text = self.log_path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])


def open_log(path: Path) -> BinaryIO:
    """To append to, of mode 0600 when it is new; its folder is made again when somebody removed it.

    Raises ``EmbeddedError`` for a log that this user may not write.
    """
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        return open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600))
    except PermissionError as error:
        raise unusable(path, error) from error
