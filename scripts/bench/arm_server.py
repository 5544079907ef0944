"""A running arm: the program, its address, and what it uses."""

import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from bench.child import Child
from bench.spares import SPARES, Key, key_of
from riverrun.cli.stack import child_environment
from riverrun.infra.settings import Settings
from riverrun.kit.free_port import free_port

HOST = "127.0.0.1"
RAW_ARMS = {
    "raw": "bench.arms.raw_fanout",
    "raw-asgi": "bench.arms.raw_asgi",
    "raw-conversation": "bench.arms.raw_conversation",
}
SERVE = "bench.arms.serve"
LISTEN_SECONDS = 10.0
LOG_CHARS = 3_000


@dataclass(frozen=True, slots=True)
class Usage:
    """What a server used between two looks."""

    wall_seconds: float
    cpu_seconds: float
    rss_bytes: int
    threads: int
    blocked_ms: float
    worst_lag_ms: float

    def of_the_loop(self) -> dict[str, float]:
        """How long the look was, and how the event loop did in it."""
        return {
            "seconds": round(self.wall_seconds, 4),
            "blocked_ms": round(self.blocked_ms, 3),
            "worst_lag_ms": round(self.worst_lag_ms, 3),
        }


class ArmServer:
    """One arm, serving inside ``with``. Its log is a file in the data folder, told only when it cannot start."""

    def __init__(self, arm: str, settings: Settings) -> None:
        self.arm = arm
        self.port = free_port()
        where = {"host": HOST, "port": self.port, "log_level": "WARNING"}
        self._settings = settings.model_copy(update=where)
        self._log_path = settings.data_dir / f"bench-{arm}-{self.port}.log"
        self._last: dict[str, Any] = {}
        self._is_ready = False

    def __enter__(self) -> Self:
        self.start()
        self.await_ready()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()
        self.close()

    def start(self) -> None:
        """Begin to start; ``close`` must follow, whatever comes in between."""
        if spare := SPARES.take(self._key()):
            self.port, self._child = spare
            self._is_ready = True
            return
        with self._log_path.open("w") as log:
            program = self._program()
            may_fork = SPARES.is_keeping and program[0] == SERVE
            self._child = Child(*program, environment=self._environment(), log=log, is_forked=may_fork)

    def await_ready(self) -> None:
        """Wait until it serves."""
        try:
            if not self._is_ready:
                self._child.hear()
                wait_for_listener(self.port)
                self._is_ready = True
            self.look()
        except BaseException:
            self._child.process.kill()
            print(self._log_path.read_text()[-LOG_CHARS:])
            raise

    def leave(self) -> None:
        """Tell it to end, unless it may be of use again."""
        if not self._is_spare():
            self._child.process.send_signal(signal.SIGTERM)

    def close(self) -> None:
        """Wait for its end."""
        if self._is_spare():
            SPARES.give(self._key(), self.port, self._child)
        else:
            self._child.close()

    def _is_spare(self) -> bool:
        # The bare fan-out does not subscribe again after a kill storm.
        is_fit = self._is_ready and self.arm != "raw" and self._child.process.poll() is None
        return SPARES.is_keeping and is_fit

    def _key(self) -> Key:
        program = [word for word in self._program() if word != str(self.port)]
        return key_of(tuple(program), self._environment())

    def _program(self) -> tuple[str, ...]:
        if self.arm in RAW_ARMS:
            return RAW_ARMS[self.arm], str(self.port), self._settings.require_redis_url()
        return SERVE, self.arm

    def _environment(self) -> dict[str, str]:
        reader = {"RIVERRUN_STREAM_READER": "threadpool"} if self.arm == "plan" else {}
        return child_environment(self._settings, os.environ) | reader

    @property
    def pid(self) -> int:
        """Of the server."""
        return self._child.process.pid

    def look(self) -> Usage:
        """What was used since the last look."""
        os.kill(self.pid, signal.SIGUSR2)
        told = self._child.hear()
        before, self._last = self._last or told, told
        return Usage(
            wall_seconds=told["at"] - before["at"],
            cpu_seconds=told["cpu_seconds"] - before["cpu_seconds"],
            rss_bytes=told["rss_bytes"],
            threads=told["threads"],
            blocked_ms=told["blocked_ms"],
            worst_lag_ms=told["worst_lag_ms"],
        )


@contextlib.contextmanager
def open_servers(arms: Mapping[str, str], settings: Settings) -> Iterator[dict[str, ArmServer]]:
    """A server for each name, of the arm that belongs to it. They start, and end, side by side."""
    servers = {name: ArmServer(arm, settings) for name, arm in arms.items()}
    with contextlib.ExitStack() as closing, contextlib.ExitStack() as leaving:
        for server in servers.values():
            server.start()
            closing.callback(server.close)
            leaving.callback(server.leave)
        for server in servers.values():
            server.await_ready()
        yield servers


def is_offered(arm: str) -> bool:
    """Whether this version of the product has what the arm needs."""
    return arm != "plan" or "stream_reader" in Settings.model_fields


def wait_for_listener(port: int) -> None:
    """Wait until connections are taken.

    Raises:
        TimeoutError: nobody listened in time.
    """
    deadline = time.monotonic() + LISTEN_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens on {port}")
