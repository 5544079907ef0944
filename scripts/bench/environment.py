"""Where figures come from, and what a process that opens thousands of sockets needs first."""

import os
import platform
import resource
from typing import Any

import psutil

SCRIPTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def environment() -> dict[str, Any]:
    """The machine; a load near or over the number of cores before the start makes figures worthless."""
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "cores": psutil.cpu_count(),
        "load_before": round(psutil.getloadavg()[0], 2),
    }


def raise_file_limit() -> int:
    """Allow this process and its children as many open files as the system lets them have; returns how many."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def pin(pid: int, core: int) -> None:
    """Keep a process on one core, where the system can."""
    if hasattr(os, "sched_setaffinity") and core < (os.cpu_count() or 1):
        os.sched_setaffinity(pid, {core})
