"""Running git on what strangers wrote: fixed arguments, a bare environment, and an end to everything."""

import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from riverrun.code_provider.errors import RepositoryFailed, RepositoryStopped, RepositoryTooLarge
from riverrun.embedded.guarded_process import GuardedProcess

LOOK_SECONDS = 0.2
"""How often a running git is looked after: to be stopped, too slow, too large."""
END_SECONDS = 2.0
DISK_SECONDS = 60.0
"""How long a command may take that works on the disk alone."""
KEPT_OUTPUT_CHARS = 8_000
_PASSED_ON = (
    "PATH",
    "LD_LIBRARY_PATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
)
_PROGRESS = re.compile(r"(Counting|Compressing|Receiving) objects:\s+\d+% \((\d+)/(\d+)\)")

CONFIGURATION: Mapping[str, str] = {
    "core.hooksPath": os.devnull,
    "core.askPass": "",
    "core.fsmonitor": "false",
    "core.attributesFile": os.devnull,
    "credential.helper": "",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "fetch.unpackLimit": "1",
    "fetch.writeCommitGraph": "false",
    "transfer.bundleURI": "false",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
    "pack.threads": "1",
    "protocol.allow": "never",
    "protocol.version": "2",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """When a fetch is ended: after so long, at so many bytes on disk, or when somebody says stop."""

    timeout_seconds: float
    max_bytes: int
    should_stop: Callable[[], bool]

    def deadline(self) -> float:
        """When what begins now is to be over, on the monotonic clock."""
        return time.monotonic() + self.timeout_seconds

    def enforce(self, deadline: float, directory: Path | None = None) -> None:
        """Raise when one is reached; ``deadline`` is what the method of that name gave when the work began."""
        if self.should_stop():
            raise RepositoryStopped
        if time.monotonic() > deadline:
            raise RepositoryFailed(
                f"git took longer than {self.timeout_seconds:g} seconds. "
                "The administrator may raise RIVERRUN_CLONE_TIMEOUT_SECONDS."
            )
        if directory and size_of(directory) > self.max_bytes:
            raise RepositoryTooLarge(
                f"The repository is larger than {self.max_bytes:,} bytes. "
                "The administrator may raise RIVERRUN_MAX_REPOSITORY_BYTES."
            )


def git_command(
    repository: Path, arguments: list[str], settings: Mapping[str, str] | None = None
) -> list[str]:
    """The whole command line; ``settings`` are added to the safe configuration."""
    options = [
        part for item in {**CONFIGURATION, **(settings or {})}.items() for part in ("-c", "=".join(item))
    ]
    return ["git", *options, f"--git-dir={repository}", *arguments]


def git_environment() -> dict[str, str]:
    """Nothing of ours but the way to the network and its certificates: no configuration, no credentials, no prompt."""
    return {
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        "HOME": os.devnull,
        "XDG_CONFIG_HOME": os.devnull,
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
    }


def start_git(
    command: list[str],
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
    stderr: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start git in a process group of its own. Raises ``RepositoryFailed`` when there is no git."""
    try:
        return subprocess.Popen(
            command,
            env=git_environment(),
            cwd="/",
            start_new_session=True,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
        )
    except FileNotFoundError:
        raise RepositoryFailed("git is not installed on the server.") from None


def run_git(command: list[str]) -> str:
    """Run a command that works on the disk alone; returns its output, raises ``RepositoryFailed``."""
    status, output, complaints = _run(command)
    if status:
        raise RepositoryFailed(f"git failed: {complaints[-300:]}")
    return output


def has_object(repository: Path, name: str) -> bool:
    """Whether the clone has an object of that name. Raises ``RepositoryFailed`` when git does not answer."""
    status, _, _ = _run(git_command(repository, ["cat-file", "-e", name]))
    return status == 0


def _run(command: list[str]) -> tuple[int, str, str]:
    """Exit status, output and complaints."""
    process = start_git(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        output, complaints = process.communicate(timeout=DISK_SECONDS)
    except subprocess.TimeoutExpired:
        end_group(process)
        raise RepositoryFailed("git does not answer. Is the server's disk in order?") from None
    return process.returncode, _text_of(output), _text_of(complaints)


def _text_of(said: bytes) -> str:
    return said.decode("utf-8", "replace").strip()


def watch_git(
    command: list[str],
    directory: Path,
    limits: Limits,
    deadline: float,
    progress: Callable[[int, int], None],
) -> tuple[int, str]:
    """Run a command that goes to the network, and look after it; returns its exit code and what it said.

    ``deadline`` is that of the whole fetch, of which this may be one command of several. ``progress`` hears of
    objects received, and their total. Raises ``RepositoryStopped``, and ``RepositoryFailed`` when a limit is reached,
    be it by the last bytes; git and all its children are dead then, and as soon as this process is, however it ends.
    """
    process = GuardedProcess(
        command, is_read=True, environment=git_environment(), folder=Path("/"), grace_seconds=END_SECONDS
    )
    pipe = process.output.fileno()
    said = ""
    try:
        while True:
            is_readable = select.select([pipe], [], [], LOOK_SECONDS)[0]
            part = os.read(pipe, 65_536) if is_readable else None
            limits.enforce(deadline, directory)
            if part == b"":
                return process.wait(END_SECONDS), said
            if part:
                said = (said + part.decode("utf-8", "replace"))[-KEPT_OUTPUT_CHARS:]
                _report(said, progress)
    finally:
        with suppress(TimeoutError):  # Not even a killed process ends while its disk hangs.
            process.stop()
        process.output.close()


def read_git(command: list[str], separator: bytes, max_bytes: int, limits: Limits) -> Iterator[bytes]:
    """The parts of a command's output as they come. Raises as ``watch_git`` does, and when the output is too long."""
    process = start_git(command, stdout=subprocess.PIPE)
    assert process.stdout
    pipe = process.stdout.fileno()
    deadline = limits.deadline()
    rest, total = b"", 0
    try:
        while True:
            limits.enforce(deadline)
            if not select.select([pipe], [], [], LOOK_SECONDS)[0]:
                continue
            part = os.read(pipe, 1 << 18)
            if not part:
                break
            total += len(part)
            if total > max_bytes:
                raise RepositoryFailed("The repository's list of files is too long.")
            *parts, rest = (rest + part).split(separator)
            yield from parts
        if process.wait(END_SECONDS):
            raise RepositoryFailed("git cannot read the clone.")
    finally:
        end_group(process)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End git and its children, politely for a moment; what they still had to say is not heard."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None and number is signal.SIGTERM:
            continue
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)
    for pipe in (process.stdout, process.stderr):
        if pipe:
            pipe.close()


def size_of(directory: Path) -> int:
    """The bytes of all files below a directory; those that vanish meanwhile do not count."""
    total = 0
    for parent, _, names in os.walk(directory):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(parent, name)).st_size
    return total


def _report(said: str, progress: Callable[[int, int], None]) -> None:
    found = _PROGRESS.findall(said)
    if found and found[-1][0] == "Receiving":
        progress(int(found[-1][1]), int(found[-1][2]))
