"""Keeps the stack's processes alive: one that dies is started again, later each time it dies soon."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from riverrun.cli.disk_watch import DiskWatch
from riverrun.embedded import EmbeddedError, EmbeddedServers
from riverrun.embedded.guarded_process import GuardedProcess

POLL_SECONDS = 0.1
FIRST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 30.0
HEALTHY_SECONDS = 30.0
"""A process that lived so long starts anew with the shortest delay."""


class Child:
    """One of our own processes, and how to start it again. ``pid`` changes with each start.

    Without a ``log_path`` it speaks where we do.
    """

    def __init__(
        self, name: str, log_path: Path | None, start: Callable[[Path | None], GuardedProcess]
    ) -> None:
        self.name = name
        self.log_path = log_path
        self._start = start
        self._delay_seconds = FIRST_DELAY_SECONDS
        self._due: float | None = None
        self._trouble = ""
        self._started = 0.0
        self.process = self._spawn()

    def _spawn(self) -> GuardedProcess:
        self._started = time.monotonic()
        return self._start(self.log_path)

    def revive(self) -> str | None:
        """Start it again if it is dead and its delay is over. Returns what there is to say, if anything.

        What prevents that (no log, no memory, no process) may pass: it is told once, and it is tried again after the delay.
        """
        try:
            return self._look()
        except Exception as error:
            self._put_off()
            known, self._trouble = self._trouble, trouble_in_words(error)
            return None if known == self._trouble else f"{self.name} cannot be started yet: {self._trouble}"

    def _look(self) -> str | None:
        status = self.process.returncode
        if status is None:
            return None
        if self._due is None:
            if time.monotonic() - self._started > HEALTHY_SECONDS:
                self._delay_seconds = FIRST_DELAY_SECONDS
            self._put_off()
            where = f" Its log: {self.log_path}" if self.log_path else ""
            return f"{self.name} ended ({in_words(status)}); starting it again.{where}"
        if time.monotonic() >= self._due:
            self.process = self._spawn()
            self._due = None
            self._trouble = ""
        return None

    def _put_off(self) -> None:
        self._due = time.monotonic() + self._delay_seconds
        self._delay_seconds = min(self._delay_seconds * 2, LONGEST_DELAY_SECONDS)


class Supervisor:
    """A thread that looks after children, and after the embedded servers and the disk if there are any, until it is stopped."""

    def __init__(
        self,
        children: Sequence[Child],
        servers: EmbeddedServers | None,
        say: Callable[[str], None],
        disk: DiskWatch | None = None,
    ) -> None:
        self._children = children
        self._servers = servers
        self._disk = disk
        self._tell = say
        self._trouble = ""
        self._stopping = threading.Event()
        self._reviving = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_seconds: float = 1.0) -> bool:
        """Start no child any more, from this moment on. False when it still waits for a server that does not come up."""
        with self._reviving:
            self._stopping.set()
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            self._look_at_disk()
            self._revive_servers()
            for child in self._children:
                self._revive(child)

    def _revive(self, child: Child) -> None:
        with (
            self._reviving
        ):  # whoever stops us ends the children that there are then, and no other may follow
            said = None if self._stopping.is_set() else child.revive()
        if said:
            self._say(said)

    def _look_at_disk(self) -> None:
        with suppress(OSError):  # a folder that went away is told by whoever needs it
            if said := self._disk and self._disk.look():
                self._say(said)

    def _revive_servers(self) -> None:
        """The same trouble is told once, however long it lasts."""
        if self._servers is None:
            return
        try:
            revived = self._servers.revive()
        except Exception as error:
            self._say_trouble(trouble_in_words(error))
            self._stopping.wait(FIRST_DELAY_SECONDS)
        else:
            for name in revived:
                self._trouble = ""
                self._say(f"{name} had ended; it is running again.")

    def _say_trouble(self, words: str) -> None:
        if words != self._trouble and not self._stopping.is_set():
            self._trouble = words
            self._say(words)

    def _say(self, words: str) -> None:
        """Whether anybody listens or not: a console whose reader went away raises ``SystemExit``."""
        with suppress(Exception, SystemExit):
            self._tell(words)


def trouble_in_words(error: Exception) -> str:
    """Ours are meant for the operator as they are; another one's kind belongs to what it says."""
    return str(error) if isinstance(error, EmbeddedError) else f"{type(error).__name__}: {error}"


def in_words(status: int) -> str:
    """An exit status as people say it."""
    return f"killed by signal {status - 128}" if status > 128 else f"exit status {status}"
