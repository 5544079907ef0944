"""Which git is installed, and whether it is new enough for what strangers wrote."""

import re
from functools import cache

from riverrun.code_provider.errors import RepositoryFailed
from riverrun.code_provider.git_process import run_git

OLDEST_GIT = (2, 37)
"""The first that knows ``http.curloptResolve``, which holds it to the addresses that were checked; older ones pass over it."""


@cache
def git_version() -> tuple[int, int]:
    """Major and minor number, asked for once a process. Raises ``RepositoryFailed`` when there is no git, or none to tell."""
    said = run_git(["git", "--version"])
    if (version := version_in(said)) is None:
        raise RepositoryFailed(f"The server's git does not say its version: {said[:100]}")
    return version


def version_in(said: str) -> tuple[int, int] | None:
    """The version in what ``git --version`` says."""
    numbers = re.search(r"(\d+)\.(\d+)", said)
    return (int(numbers[1]), int(numbers[2])) if numbers else None


def require_pinning(host: str) -> None:
    """Raise ``RepositoryFailed`` when this git would look up the name of a host by itself, and go wherever that leads."""
    version = git_version()
    if version < OLDEST_GIT:
        raise RepositoryFailed(
            f"The server's git {version[0]}.{version[1]} is too old: it does not keep to the address that was checked. "
            f"The administrator must install git {OLDEST_GIT[0]}.{OLDEST_GIT[1]} or newer and start the workers again, "
            f"or trust the host: RIVERRUN_ALLOWED_HOSTS={host}"
        )
