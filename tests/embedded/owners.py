"""Owners of servers in processes of their own, to be killed in every way."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from tests.support.waiting import wait_until

PROGRAM = Path(__file__).parent / "owner_program.py"


@dataclass
class Owner:
    """A living owner: ``processes`` are its guards and servers with their children."""

    process: subprocess.Popen
    pids: dict[str, int]
    database_url: str
    redis_url: str

    @property
    def processes(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    @property
    def guards(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def owner_of(data_dir: Path) -> Iterator[Owner]:
    """An owner of that folder; whatever is left of it afterwards is killed."""
    with subprocess.Popen([sys.executable, PROGRAM, data_dir], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        owner = Owner(process, told["pids"], told["database_url"], told["redis_url"])
        began_with = owner.processes
        try:
            yield owner
        finally:
            process.kill()
            for child in began_with:
                with suppress(psutil.NoSuchProcess):
                    child.kill()


def all_gone(processes: list[psutil.Process]) -> bool:
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)


def wait_until_gone(processes: list[psutil.Process]) -> None:
    wait_until(lambda: all_gone(processes), what=f"the end of {[process.pid for process in processes]}")
