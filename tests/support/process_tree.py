"""Finding and killing processes of a stack by what they are."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil


def descendants(pid: int) -> list[psutil.Process]:
    """All living descendants of a process, zombies left out."""
    try:
        children = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return [one for one in children if is_alive(one)]


def is_alive(process: psutil.Process) -> bool:
    """Whether it still runs; a zombie does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def kill_with_children(pid: int) -> None:
    """``kill -9`` a process and all its descendants, as when the machine's memory runs out."""
    for one in [*descendants(pid), psutil.Process(pid)]:
        try:
            os.kill(one.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def command_of(process: psutil.Process) -> str:
    """Its command line, empty when it has gone."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """A process and all below it, stopped in mid-step and waking up later."""
    pids = [pid, *(one.pid for one in descendants(pid))]
    for one in pids:
        os.kill(one, signal.SIGSTOP)
    try:
        yield
    finally:
        for one in pids:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGCONT)
