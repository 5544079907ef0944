"""What one thread has had of the CPU, read from any other thread. All in seconds since the thread's start."""

import ctypes
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable

if sys.platform != "win32":
    import resource

    _pread = ctypes.PyDLL(None).pread
    """As ``os.pread``, but it keeps the interpreter: to give it away beside a loop that computes costs more than to read."""
    _pread.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_long)
    _pread.restype = ctypes.c_ssize_t

NANOSECONDS = 1e9
SchedstatLine = ctypes.c_char * 64


class ThreadClock:
    """The clocks of the thread that makes it. Close it before that thread is gone for good."""

    def __init__(self) -> None:
        self.thread_id = threading.get_ident()
        self._clock_id = _cpu_clock_of(self.thread_id)
        self._schedstat = _open_schedstat(threading.get_native_id())
        if self._schedstat is not None:
            self._close = close_with(self, self._schedstat)

    def cpu_seconds(self) -> float:
        """How long it ran. Where the system has no such clock: how long the process did."""
        return time.process_time() if self._clock_id is None else time.clock_gettime(self._clock_id)

    def schedstat(self) -> bytes:
        """What the system counts of it, for ``starved_seconds``; nothing where it does not."""
        if self._schedstat is None:
            return b""
        line = SchedstatLine()
        _pread(self._schedstat, line, len(line), 0)
        return line.value

    def close(self) -> None:
        """Give the file back."""
        if self._schedstat is not None:
            self._schedstat = None
            self._close()


def starved_seconds(schedstat: bytes) -> float:
    """How long the thread could have run, and got no CPU. 0 where the system does not count this."""
    return int(schedstat.split()[1]) / NANOSECONDS if schedstat else 0.0


def close_with(holder: object, descriptor: int) -> Callable[[], object]:
    """Call it to close a file; else it is closed when nobody holds its holder any more.

    Not at the interpreter's exit, where threads still run.
    """
    close = weakref.finalize(holder, os.close, descriptor)
    close.atexit = False
    return close


def times_put_to_sleep() -> int | None:
    """How often the calling thread gave the CPU up of its own accord; none where the system does not count it."""
    if sys.platform != "linux":
        return None
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


def _cpu_clock_of(thread_id: int) -> int | None:
    return time.pthread_getcpuclockid(thread_id) if sys.platform == "linux" else None


def _open_schedstat(native_id: int) -> int | None:
    try:
        return os.open(f"/proc/self/task/{native_id}/schedstat", os.O_RDONLY)
    except OSError:
        return None
