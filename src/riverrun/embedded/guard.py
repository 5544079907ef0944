"""A process between a parent and its child that makes sure the child never outlives the parent.

Runs by itself (``python -I -S guard.py [options] -- command...``), with the standard library only, so that it starts
in milliseconds and works whatever state the project is in. Its three streams are its protocol:

- standard input is a pipe held open by the parent. End of file means that the parent is gone, however it died: the
  child gets its stop signal, and its whole process group is killed when the grace is over. A byte ``k`` means kill now.
- standard output carries one line: the child's process id.
- standard error becomes the child's standard output and error.

What the child makes is for its own user alone (umask 077). The guard ends as the child ended: with its exit status, or
128 + the signal's number.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import signal
import sys
import time
from typing import NoReturn

KILL_NOW = b"k"
CANNOT_EXECUTE = 127
SIGNALS_OF_GROUPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""Service managers send them to all processes at once. The guard is deaf to them: the parent alone knows whose turn it is."""

PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 4
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
LINUX_CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2

CLOSED_FOLDERS = (
    "it runs as another user than root, who may not enter all folders above its program and its data; "
    "keep both where every user may enter (chmod o+x), or start Riverrun as an ordinary user"
)


def main() -> NoReturn:
    """Start the command, stay until it is gone, and leave with its status."""
    options = parse_arguments(sys.argv[1:])
    wakeups = open_wakeup_pipe()
    child = start(options)
    os.write(1, f"{child}\n".encode())
    os.close(1)
    sys.exit(watch(child, wakeups, options))


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="guard")
    parser.add_argument("--stop-signal", type=int, default=signal.SIGTERM)
    parser.add_argument("--grace-seconds", type=float, default=5.0)
    parser.add_argument("--input", default=os.devnull)
    parser.add_argument("--user", type=int, default=None)
    parser.add_argument("--group", type=int, default=None)
    parser.add_argument("--keep-file-access", action="store_true")
    parser.add_argument("command", nargs="+")
    return parser.parse_args(arguments)


def open_wakeup_pipe() -> int:
    """A child's end becomes a byte in a pipe, so that one ``select`` waits for everything. Returns the end to read."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in SIGNALS_OF_GROUPS:
        signal.signal(number, signal.SIG_IGN)
    return reader


def start(options: argparse.Namespace) -> int:
    """Fork and execute the command in a process group of its own. Returns its process id."""
    child = os.fork()
    if child == 0:
        try:
            become_child(options)
        except BaseException as error:
            os.write(2, f"cannot start {options.command[0]}: {error}\n".encode())
            os._exit(CANNOT_EXECUTE)
    join_own_group(child)
    return child


def join_own_group(child: int) -> None:
    """Said by both sides of the fork, so that the group exists whichever runs first."""
    with contextlib.suppress(
        PermissionError, ProcessLookupError
    ):  # It has executed its program already, or is gone.
        os.setpgid(child, child)


def become_child(options: argparse.Namespace) -> NoReturn:
    os.setpgid(0, 0)
    os.umask(0o077)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, *SIGNALS_OF_GROUPS):
        signal.signal(number, signal.SIG_DFL)
    os.dup2(os.open(options.input, os.O_RDONLY), 0)
    os.dup2(2, 1)
    if options.user is not None:
        drop_privileges(options.user, options.group, keep_file_access=options.keep_file_access)
    os.execvp(options.command[0], options.command)


def drop_privileges(user: int, group: int, *, keep_file_access: bool) -> None:
    """Become an ordinary user, from root. With ``keep_file_access`` closed folders on the way stay passable (Linux)."""
    os.setgroups([])
    os.setgid(group)
    if not keep_file_access:
        os.setuid(user)
        return
    if sys.platform != "linux":
        raise PermissionError(CLOSED_FOLDERS)
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    # Otherwise setuid drops all capabilities, and access(2), which Postgres asks about its own program, ignores them.
    if libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) != 0:
        raise PermissionError(CLOSED_FOLDERS)
    os.setuid(user)
    if not any(hold_only(libc, capability) for capability in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE)):
        raise PermissionError(CLOSED_FOLDERS)


def hold_only(libc, capability: int) -> bool:  # type: ignore[no-untyped-def]
    """Give up all capabilities but one that survives ``exec``; False when the machine does not grant that one."""
    import ctypes

    header = (ctypes.c_uint32 * 2)(LINUX_CAPABILITY_VERSION_3, 0)
    bit = 1 << capability
    effective_permitted_inheritable = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    if libc.capset(header, effective_permitted_inheritable) != 0:
        return False
    return bool(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0)


def watch(child: int, wakeups: int, options: argparse.Namespace) -> int:
    """Wait for the child's end, or for the parent's and then bring about the child's. Returns the exit status."""
    deadline: float | None = None
    inputs = [0, wakeups]
    while True:
        status = ended(child)
        if status is not None:
            kill_group(child)
            return status
        if deadline is not None and time.monotonic() >= deadline:
            kill_group(child)
            deadline = None
        timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready, _, _ = select.select(inputs, [], [], timeout)
        if wakeups in ready:
            os.read(wakeups, 512)
        if 0 not in ready:
            continue
        if os.read(0, 1) == KILL_NOW:
            kill_group(child)
        else:
            inputs.remove(0)
            send(child, options.stop_signal)
            deadline = time.monotonic() + options.grace_seconds


def ended(child: int) -> int | None:
    """The child's exit status as a shell would give it; none while it lives."""
    pid, status = os.waitpid(child, os.WNOHANG)
    if pid == 0:
        return None
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def send(child: int, number: int) -> None:
    """The leader alone is asked: it knows how to end its own children."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, number)


def kill_group(child: int) -> None:
    """What is left of the group has nobody to serve any more."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)


if __name__ == "__main__":
    main()
